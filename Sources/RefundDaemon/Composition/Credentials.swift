import Glibc
import RefundConfiguration
import RefundCore
import RefundCrypto
import RefundWebhooks

/// The keys and secrets that a configuration names, read and checked.
struct Credentials: Sendable {
    /// The gateways with their keys, by name.
    var gateways: [String: any GatewayAccount] = [:]
    /// The fingerprints of the gateways' public keys, by name; none of a shared secret, which nobody may guess.
    var publicKeys: [String: [String]] = [:]
    /// The secrets that sign webhooks.
    var secrets: [WebhookSecret] = []

    /// Reads every file that a configuration names, and collects all problems.
    ///
    /// - Parameters:
    ///   - configuration: The configuration that names the files.
    ///   - isForDaemon: Whether the daemon itself reads them.
    ///   - protocols: The protocols of the gateways.
    /// - Returns: The readable credentials, and the problems.
    static func load(
        _ configuration: Configuration,
        isForDaemon: Bool,
        _ protocols: GatewayProtocols = .known
    ) -> (credentials: Credentials, problems: [CredentialProblem]) {
        var credentials = Credentials()
        var loader = CredentialLoader(isForDaemon: isForDaemon)
        if let file = configuration.database.passwordFile {
            // Read again for every connection; a mistake in it must keep the daemon from starting.
            _ = loader.read(file, key: DatabasePassword.key, .secrecy) { try DatabasePassword.parse($0) }
        }
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let section = Configuration.section(ofGateway: name)
            let found = protocols.find(gateway, section: section, &loader)
            let account = found?.account(gateway, section: section, &loader)
            credentials.gateways[name] = account
            if found?.hasPublicKeys == true { credentials.publicKeys[name] = account?.verifyingKeys }
        }
        credentials.secrets = configuration.webhook.secretFiles.compactMap { path in
            loader.read(path, key: "webhook.secret_files", .secrecy) { bytes in
                try WebhookSecret(String(decoding: bytes, as: UTF8.self))
            }
        }
        if let file = configuration.webhook.caFile {
            _ = loader.read(file, key: "webhook.ca_file", .integrity) { try CertificateBundle.check($0) }
        }
        return (credentials, loader.problems)
    }
}

/// Reads files that a configuration names, and collects their problems.
struct CredentialLoader: CredentialReading {
    private(set) var problems: [CredentialProblem] = []
    private let user: UInt32?

    // The daemon may run as any user, so a command that root runs accepts any owner of the files.
    init(isForDaemon: Bool) {
        user = isForDaemon || geteuid() != 0 ? geteuid() : nil
    }

    mutating func read<Value>(
        _ path: String,
        key: String,
        _ need: CredentialNeed,
        _ parse: ([UInt8]) throws -> Value
    ) -> Value? {
        do {
            let file = try CredentialFile(path: path)
            if let exposure = file.protection.problem(need, path: path, user: user) {
                note(CredentialProblem(key: key, path: path, problem: "the file \(exposure)"))
            }
            return try parse(file.bytes)
        } catch {
            note(CredentialProblem(key: key, path: path, problem: "\(error)"))
            return nil
        }
    }

    mutating func report(_ problem: String, key: String, value: String) {
        note(CredentialProblem(key: "\(key) = \(JSONWriter.quoted(value))", problem: problem))
    }

    // Gateways may share a file; each of its problems is reported once.
    private mutating func note(_ problem: CredentialProblem) {
        if !problems.contains(problem) { problems.append(problem) }
    }
}

/// A problem with a key of the configuration or the file that it names.
struct CredentialProblem: Hashable, Sendable, CustomStringConvertible {
    /// The key, with its value where a message may show it.
    var key: String
    /// The file that the key names, or nil if the problem is the key's own value.
    var path: String?
    /// The problem in words.
    var problem: String

    /// Whether the file does not exist.
    var isMissingFile: Bool { problem == CredentialFileError.missing.description }

    /// The problem with the place where an operator puts the file: systemd passes it from there to the daemon.
    func ofUnit(_ configuration: String) -> CredentialProblem {
        guard isMissingFile, let path, path.folder == configuration.folder else { return self }
        return CredentialProblem(key: key, path: "\(path.folder)/credentials/\(path.fileName)", problem: problem)
    }

    /// Whether this user may not see the file.
    var isHidden: Bool {
        guard let path else { return false }
        return unsafe access(path, R_OK) != 0 && errno == EACCES
    }

    var description: String { "\(key): \(path.map { "\($0): " } ?? "")\(problem)" }
}
