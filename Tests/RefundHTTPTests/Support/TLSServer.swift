import Foundation

/// An HTTPS server in a Python process, which answers every request with 200 and the request's own body.
struct TLSServer {
    /// It ends with its standard input, so that it outlives no test.
    private static let script = """
        import socket, ssl, sys, threading

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])

        def serve(connection):
            try:
                with context.wrap_socket(connection, server_side=True) as stream:
                    file = stream.makefile("rb")
                    while file.readline():
                        length = 0
                        while (line := file.readline().strip()):
                            name, _, value = line.partition(b":")
                            if name.lower() == b"content-length":
                                length = int(value)
                        body = file.read(length)
                        stream.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % length + body)
            except OSError:
                pass

        def accept(listener):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        """

    let port: UInt16
    private let process = Process()
    private let input = Pipe()

    /// Starts the server and waits until it listens.
    init(_ identity: TestCertificates.Identity) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, identity.certificate, identity.key]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw TestFailure("the TLS server did not start: \(line)")
        }
        self.port = port
    }

    /// Ends the server.
    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
