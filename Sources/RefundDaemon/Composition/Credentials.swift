import RefundConfiguration
import RefundCrypto
import RefundWebhooks

/// The keys and secrets that a configuration names, read and checked.
struct Credentials: Sendable {
    /// What a gateway's queries are signed with and its answers are verified with.
    struct Gateway: Sendable {
        var privateKey: RSAPrivateKey
        var publicKeys: [RSAPublicKey]
    }

    var gateways: [String: Gateway] = [:]
    var secrets: [WebhookSecret] = []

    /// Reads everything and collects what is wrong with any of it.
    ///
    /// - Parameters:
    ///   - configuration: Names the files.
    ///   - isForDaemon: Whether the daemon itself reads.
    /// - Returns: What could be read, and the problems.
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
            if let caFile = gateway.caFile {
                loader.read(caFile, key: "\(section).ca_file", .integrity) { bytes in try CertificateBundle.check(bytes)
                }
            }
            if let privateKey {
                credentials.gateways[name] = Gateway(privateKey: privateKey, publicKeys: publicKeys)
            }
        }
        for path in configuration.webhook.secretFiles {
            let secret = loader.read(path, key: "webhook.secret_files", .secrecy) { bytes in
                try WebhookSecret(String(decoding: bytes, as: UTF8.self))
            }
            if let secret { credentials.secrets.append(secret) }
        }
        if let caFile = configuration.webhook.caFile {
            loader.read(caFile, key: "webhook.ca_file", .integrity) { bytes in try CertificateBundle.check(bytes) }
        }
        return (credentials, loader.problems)
    }
}
