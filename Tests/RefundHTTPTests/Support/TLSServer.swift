import Foundation
import RefundHTTP
import RefundTestSupport

/// An HTTPS server in a Python process, which responds to each request with its body and the connection's number.
///
/// Options: `--client-ca FILE` requires a client certificate; `--tls VERSION` limits the version; `--together N` holds
/// the first N responses until all N requests have arrived; `--after close|data` sends a `close_notify` or unrequested
/// data in one segment with each of these responses, and keeps the TCP connection open.
struct TLSServer {
    /// It ends with its standard input, so it does not outlive the test.
    private static let script = """
        import argparse, itertools, socket, ssl, sys, threading

        parser = argparse.ArgumentParser()
        parser.add_argument("certificate")
        parser.add_argument("key")
        parser.add_argument("--client-ca")
        parser.add_argument("--tls")
        parser.add_argument("--together", type=int, default=1)
        parser.add_argument("--after", choices=["close", "data"])
        options = parser.parse_args()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(options.client_ca)
        if options.tls:
            context.minimum_version = context.maximum_version = ssl.TLSVersion["TLSv" + options.tls.replace(".", "_")]
        barrier = threading.Barrier(options.together)

        def read(file):
            if not file.readline():
                return None
            length = 0
            while (line := file.readline().strip()):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            return file.read(length)

        def serve(connection, number):
            try:
                stream = context.wrap_socket(connection, server_side=True)
                file = stream.makefile("rb")
                while (body := read(file)) is not None:
                    head = b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nX-Connection: %d\\r\\n\\r\\n" % (len(body), number)
                    if number > options.together or not options.after:
                        stream.sendall(head + body)
                        continue
                    barrier.wait()
                    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                    stream.sendall(head + body)
                    if options.after == "data":
                        stream.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nwrong")
                    else:
                        stream.setblocking(False)
                        try:
                            stream.unwrap()
                        except ssl.SSLError:
                            pass
                    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
                    stream.setblocking(True)
                    threading.Event().wait()
            except OSError:
                pass

        def accept(listener):
            for number in itertools.count(1):
                connection = listener.accept()[0]
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()

        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        """

    let port: UInt16
    private let process = Process()
    private let input = Pipe()

    /// Starts the server and waits until it listens.
    init(_ identity: TestCertificates.Identity, _ options: [String] = []) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-c", Self.script, identity.certificate, identity.key] + options
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

/// Runs a test with an HTTPS server and a request that trusts it.
///
/// The options may name the authority's certificate as `AUTHORITY`.
func withTLSServer(_ options: String..., body: (TLSServer, HTTPRequest) async throws -> Void) async throws {
    let certificates = try TestCertificates()
    defer { certificates.remove() }
    let authority = try certificates.authority("authority")
    let identity = try certificates.server("server", alternativeNames: "IP:127.0.0.1", by: authority)
    let server = try TLSServer(identity, options.map { $0 == "AUTHORITY" ? authority.certificate : $0 })
    defer { server.stop() }
    var request = HTTPRequest(test: "https://127.0.0.1:\(server.port)/")
    request.caFile = authority.certificate
    try await body(server, request)
}
