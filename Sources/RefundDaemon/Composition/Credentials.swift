import Foundation
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
    /// - Parameter configuration: Names the files.
    /// - Returns: What could be read, and the problems.
    static func load(_ configuration: Configuration) -> (credentials: Credentials, problems: [CredentialProblem]) {
        var loader = Loader()
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let section = name == Configuration.defaultGateway ? "gateway" : "gateways.\(name)"
            let privateKey = loader.read(gateway.privateKeyFile, key: "\(section).private_key_file") { bytes in
                try RSAPrivateKey(text: bytes)
            }
            let publicKeys = gateway.publicKeyFiles.compactMap { path in
                loader.read(path, key: "\(section).public_key_files") { bytes in try RSAPublicKey(text: bytes) }
            }
            if let caFile = gateway.caFile { loader.check(caFile, key: "\(section).ca_file") }
            if let privateKey {
                loader.credentials.gateways[name] = Gateway(privateKey: privateKey, publicKeys: publicKeys)
            }
        }
        for path in configuration.webhook.secretFiles {
            let secret = loader.read(path, key: "webhook.secret_files") { bytes in
                try WebhookSecret(String(decoding: bytes, as: UTF8.self))
            }
            if let secret { loader.credentials.secrets.append(secret) }
        }
        if let caFile = configuration.webhook.caFile { loader.check(caFile, key: "webhook.ca_file") }
        return (loader.credentials, loader.problems)
    }

    private struct Loader {
        var credentials = Credentials()
        var problems: [CredentialProblem] = []

        mutating func read<Value>(_ path: String, key: String, _ parse: ([UInt8]) throws -> Value) -> Value? {
            do {
                return try parse(CredentialFile.bytes(of: path, key: key))
            } catch let problem as CredentialProblem {
                problems.append(problem)
            } catch {
                problems.append(CredentialProblem(key: key, path: path, problem: "\(error)"))
            }
            return nil
        }

        mutating func check(_ path: String, key: String) {
            let isCertificate: Bool? = read(path, key: key) { bytes in
                String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----")
            }
            if isCertificate == false {
                let problem = "the file holds no PEM certificate; it must begin with -----BEGIN CERTIFICATE-----"
                problems.append(CredentialProblem(key: key, path: path, problem: problem))
            }
        }
    }
}
