import RefundCrypto

/// A directory with everything to run a simulator and refundd against it.
package struct SimulatorDirectory: Sendable {
    /// A file that was written.
    package struct WrittenFile: Hashable, Sendable {
        /// The file's name inside the directory.
        package let name: String
        /// What it is for.
        package let purpose: String
    }

    private struct File {
        let name: String
        let purpose: String
        let text: String
        var isPrivate = false
    }

    /// The directory's path.
    package let path: String

    /// Creates a reference to a directory, which need not exist.
    ///
    /// - Parameter path: The directory's path.
    package init(path: String) {
        self.path = path
    }

    /// The path of a file in the directory.
    ///
    /// - Parameter name: The file's name.
    /// - Returns: The path of the file, which need not exist.
    package func file(_ name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    /// Reads a file that ``write(port:usesTLS:replacesFiles:)`` wrote.
    func read(_ name: String) throws(SimulatorError) -> [UInt8] {
        do {
            return try LocalFile.bytes(at: file(name))
        } catch {
            throw SimulatorError("\(error); \"refund-gateway-simulator init\" creates it")
        }
    }

    /// Writes new keys, certificates, a webhook secret, a `refundd.conf` and a `scenarios.toml`.
    ///
    /// Private files have mode 0600 from the start.
    ///
    /// - Parameters:
    ///   - port: The port that the simulator will listen on.
    ///   - usesTLS: Whether it will serve HTTPS.
    ///   - replacesFiles: Whether to overwrite existing files.
    /// - Returns: The files in the order they were written.
    /// - Throws: An error if a file exists or cannot be written.
    package func write(port: Int, usesTLS: Bool, replacesFiles: Bool) throws -> [WrittenFile] {
        let names = Self.names(usesTLS: usesTLS)
        if !replacesFiles, let name = names.first(where: { LocalFile.exists(file($0)) }) {
            throw SimulatorError("\(file(name)) exists; choose another directory, or use --force to overwrite it")
        }
        try LocalFile.createDirectory(path)
        let files = try Self.files(port: port, usesTLS: usesTLS)
        for file in files {
            try LocalFile.create(self.file(file.name), mode: file.isPrivate ? 0o600 : 0o644, file.text)
        }
        return files.map { WrittenFile(name: $0.name, purpose: $0.purpose) }
    }

    private static func names(usesTLS: Bool) -> [String] {
        let certificates = usesTLS ? ["ca.pem", "server.pem", "server_key.pem"] : []
        return certificates + [
            "app_private_key", "app_public_key", "gateway_private_key", "gateway_public_key",
            "webhook_secret", "refundd.conf", "scenarios.toml",
        ]
    }

    private static func files(port: Int, usesTLS: Bool) throws -> [File] {
        let app = try RSAPrivateKey.generate()
        let gateway = try RSAPrivateKey.generate()
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max) }
        var files = [
            File(
                name: "app_private_key",
                purpose: "signs refundd's queries",
                text: try app.pem,
                isPrivate: true
            ),
            File(name: "app_public_key", purpose: "verifies them", text: try app.publicKey.pem),
            File(
                name: "gateway_private_key",
                purpose: "signs the simulator's answers",
                text: try gateway.pem,
                isPrivate: true
            ),
            File(name: "gateway_public_key", purpose: "verifies them", text: try gateway.publicKey.pem),
        ]
        if usesTLS {
            let certificates = try ServerCertificates.make()
            files += [
                File(name: "ca.pem", purpose: "the authority that refundd must trust", text: certificates.authority),
                File(name: "server.pem", purpose: "the simulator's certificate", text: certificates.server),
                File(
                    name: "server_key.pem",
                    purpose: "its private key",
                    text: certificates.serverKey,
                    isPrivate: true
                ),
            ]
        }
        return files + [
            File(
                name: "webhook_secret",
                purpose: "signs refundd's webhooks",
                text: "whsec_\(Base64.encoded(secret))\n",
                isPrivate: true
            ),
            File(
                name: "refundd.conf",
                purpose: "a matching configuration of refundd",
                text: Templates.configuration(port: port, usesTLS: usesTLS)
            ),
            File(name: "scenarios.toml", purpose: "the scenarios of refunds", text: Templates.scenarios),
        ]
    }
}
