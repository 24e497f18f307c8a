import Foundation

/// Certificate authorities and server certificates, created for one test by the `openssl` command.
package struct TestCertificates: Sendable {
    /// A certificate and its key, both in PEM.
    package struct Identity: Sendable {
        /// The file of the certificate.
        package let certificate: String
        /// The file of the key.
        package let key: String
    }

    private let directory: URL

    /// Creates an empty directory for them.
    package init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "refundd-certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        // The machine's own configuration would add extensions.
        try Data("[req]\nprompt = no\ndistinguished_name = name\n[name]\nCN = test\n".utf8).write(
            to: file("openssl.cnf")
        )
    }

    /// Removes the directory.
    package func remove() {
        try? FileManager.default.removeItem(at: directory)
    }

    /// Creates an authority.
    ///
    /// - Parameter name: Its name.
    /// - Returns: The authority.
    /// - Throws: An error if `openssl` fails.
    package func authority(_ name: String) throws -> Identity {
        try identity(name, extensions: ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign"], by: nil)
    }

    /// Creates a server certificate.
    ///
    /// - Parameters:
    ///   - name: Its subject.
    ///   - alternativeNames: Its names, such as `DNS:localhost,IP:127.0.0.1`.
    ///   - authority: The authority that signs it.
    /// - Returns: The certificate and its key.
    /// - Throws: An error if `openssl` fails.
    package func server(_ name: String, alternativeNames: String, by authority: Identity) throws -> Identity {
        let extensions = ["basicConstraints=critical,CA:FALSE", "subjectAltName=\(alternativeNames)"]
        return try identity(name, extensions: extensions, by: authority)
    }

    /// Creates a directory with hashed names, like the system's, that contains one authority.
    ///
    /// - Returns: The directory.
    /// - Throws: An error if `openssl` fails.
    package func trustedDirectory(of authority: Identity) throws -> String {
        let trusted = file("trusted")
        try FileManager.default.createDirectory(at: trusted, withIntermediateDirectories: true)
        let copy = trusted.appending(path: "authority.pem").path
        try FileManager.default.copyItem(atPath: authority.certificate, toPath: copy)
        try openssl("rehash", trusted.path)
        return trusted.path
    }

    /// Writes a file.
    ///
    /// - Returns: Its path.
    /// - Throws: An error if it cannot be written.
    package func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: file(name))
        return file(name).path
    }

    private func identity(_ name: String, extensions: [String], by authority: Identity?) throws -> Identity {
        let identity = Identity(certificate: file("\(name).pem").path, key: file("\(name).key").path)
        var arguments = ["req", "-x509", "-config", file("openssl.cnf").path, "-days", "2", "-subj", "/CN=\(name)"]
        arguments += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        arguments += ["-out", identity.certificate, "-keyout", identity.key]
        arguments += extensions.flatMap { ["-addext", $0] }
        if let authority { arguments += ["-CA", authority.certificate, "-CAkey", authority.key] }
        try openssl(arguments)
        return identity
    }

    private func file(_ name: String) -> URL {
        directory.appending(path: name)
    }

    private func openssl(_ arguments: String...) throws {
        try openssl(arguments)
    }

    private func openssl(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let output = Pipe()
        process.standardError = output
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestFailure("openssl \(arguments): \(text)") }
    }
}

/// Why a test's own tools failed.
package struct TestFailure: Error, Sendable, CustomStringConvertible {
    /// The reason.
    package let description: String

    /// Creates a failure.
    package init(_ description: String) {
        self.description = description
    }
}
