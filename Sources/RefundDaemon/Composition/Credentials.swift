import Glibc
import RefundConfiguration
import RefundCrypto
import RefundWebhooks

/// The keys and secrets that a configuration names, read and checked.
struct Credentials: Sendable {
    /// The keys of a gateway.
    struct Gateway: Sendable {
        /// The key that signs queries.
        var privateKey: RSAPrivateKey
        /// The keys that verify answers.
        var publicKeys: [RSAPublicKey]
    }

    /// The keys by gateway.
    var gateways: [String: Gateway] = [:]
    /// The secrets that sign webhooks.
    var secrets: [WebhookSecret] = []

    /// Reads every file that a configuration names, and collects all problems.
    ///
    /// - Parameters:
    ///   - configuration: The configuration that names the files.
    ///   - isForDaemon: Whether the daemon itself reads them.
    /// - Returns: The readable credentials, and the problems.
    static func load(
        _ configuration: Configuration,
        isForDaemon: Bool
    ) -> (credentials: Credentials, problems: [CredentialProblem]) {
        var credentials = Credentials()
        var loader = CredentialLoader(isForDaemon: isForDaemon)
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let section = name == Configuration.defaultGateway ? "gateway" : "gateways.\(name)"
            let privateKey = loader.read(gateway.privateKeyFile, key: "\(section).private_key_file", .secrecy) {
                bytes in
                try RSAPrivateKey(text: bytes)
            }
            let publicKeys = gateway.publicKeyFiles.compactMap { path in
                loader.read(path, key: "\(section).public_key_files", .integrity) { bytes in
                    try RSAPublicKey(text: bytes)
                }
            }
            loader.checkBundle(gateway.caFile, key: "\(section).ca_file")
            if let privateKey {
                credentials.gateways[name] = Gateway(privateKey: privateKey, publicKeys: publicKeys)
            }
        }
        credentials.secrets = configuration.webhook.secretFiles.compactMap { path in
            loader.read(path, key: "webhook.secret_files", .secrecy) { bytes in
                try WebhookSecret(String(decoding: bytes, as: UTF8.self))
            }
        }
        loader.checkBundle(configuration.webhook.caFile, key: "webhook.ca_file")
        return (credentials, loader.problems)
    }
}

/// Reads files that a configuration names, and collects their problems.
struct CredentialLoader {
    private(set) var problems: [CredentialProblem] = []
    private let user: UInt32?

    // Root may run commands for a daemon of any user, so a command of root's accepts any owner of the files.
    init(isForDaemon: Bool) {
        user = isForDaemon || geteuid() != 0 ? geteuid() : nil
    }

    /// Reads a file; checks its content even if its protection has a problem.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - key: The configuration key that names it.
    ///   - need: The protection that it needs.
    ///   - parse: Parses its content; an error must not quote the content.
    /// - Returns: The value, or nil if it could not be read.
    @discardableResult
    mutating func read<Value>(
        _ path: String,
        key: String,
        _ need: FileProtection.Need,
        _ parse: ([UInt8]) throws -> Value
    ) -> Value? {
        do {
            let file = try CredentialFile(path: path)
            if let exposure = file.protection.problem(need, path: path, user: user) {
                problems.append(CredentialProblem(key: key, path: path, problem: "the file \(exposure)"))
            }
            return try parse(file.bytes)
        } catch {
            problems.append(CredentialProblem(key: key, path: path, problem: "\(error)"))
            return nil
        }
    }

    mutating func checkBundle(_ path: String?, key: String) {
        guard let path else { return }
        read(path, key: key, .integrity) { bytes in try CertificateBundle.check(bytes) }
    }
}

/// A problem with a file that the configuration names.
struct CredentialProblem: Hashable, Sendable, CustomStringConvertible {
    var key: String
    var path: String
    var problem: String

    var description: String { "\(key): \(path): \(problem)" }
}
