import RefundConfiguration
import RefundCore
package import RefundCrypto

/// The configuration of a simulator.
package struct SimulatorConfiguration: Sendable {
    /// The certificate and private key for TLS, both as PEM.
    package struct Identity: Sendable {
        /// The certificate.
        package var certificate: String
        /// Its private key.
        package var privateKey: String

        /// Creates an identity.
        package init(certificate: String, privateKey: String) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    /// The application id of the vendor's published examples:
    /// <https://developer.n-age.co.jp/docs/ja/newage/CloudAPI/query-refund>.
    package static let exampleAppID = "wz715fc0d10ee9d156"
    /// The merchant number of the same examples.
    package static let exampleMerchantNo = "312100007235"

    /// The only known `app_id`.
    package var appID = SimulatorConfiguration.exampleAppID
    /// The keys at the start.
    package var keys: SimulatorKeys
    /// The scenarios of refunds.
    package var scenarios = ScenarioBook()
    /// The port on 127.0.0.1; 0 for a free one.
    package var port = 8443
    /// The identity for TLS; nil to serve plain HTTP.
    package var identity: Identity?
    /// The delay before every answer whose scenario sets none.
    package var latency = Duration.zero
    /// How far the gateway's clock is ahead of this machine's; negative if it is behind.
    package var clockSkew = Duration.zero
    /// The file for one line of JSON per request, or nil.
    package var logFile: String?

    /// Creates a configuration that serves plain HTTP on port 8443, where every refund settles at the second query.
    ///
    /// - Parameter keys: The keys at the start.
    package init(keys: SimulatorKeys) {
        self.keys = keys
    }
}

extension SimulatorConfiguration {
    /// Creates the configuration for a directory.
    ///
    /// Port, scheme and `app_id` come from `refundd.conf` in the directory, as long as it names a loopback address, so that
    /// both sides match even after an edit. `scenarios.toml` is used if it exists.
    ///
    /// - Parameters:
    ///   - directory: A directory written by ``SimulatorDirectory/write(port:usesTLS:replacesFiles:)``.
    ///   - usesTLS: Whether to serve HTTPS; nil to follow `refundd.conf`.
    ///   - scenarioFile: Another scenario file.
    /// - Throws: An error if a key, certificate or scenario is missing or wrong.
    package init(directory: SimulatorDirectory, usesTLS: Bool? = nil, scenarioFile: String? = nil) throws {
        self.init(keys: try SimulatorKeys(directory: directory))
        let client = ClientSettings(file: directory.file("refundd.conf"))
        if let appID = client.appID { self.appID = appID }
        if let port = client.port { self.port = port }
        if usesTLS ?? client.usesTLS {
            identity = Identity(
                certificate: String(decoding: try directory.read("server.pem"), as: UTF8.self),
                privateKey: String(decoding: try directory.read("server_key.pem"), as: UTF8.self)
            )
        }
        let standardFile = directory.file("scenarios.toml")
        if let file = scenarioFile ?? (LocalFile.exists(standardFile) ? standardFile : nil) {
            scenarios = try ScenarioBook(path: file)
        }
    }
}

/// The gateway in refundd's configuration, whose errors are left to refundd to report.
private struct ClientSettings {
    var appID: String?
    var port: Int?
    var usesTLS = true

    init(file: String) {
        guard let configuration = try? Configuration.load(file: file, environment: [:]),
            let gateway = configuration.gateways[Configuration.defaultGateway]
        else { return }
        appID = gateway.appID
        guard let url = try? HTTPURL(gateway.url), url.host.isLoopback else { return }
        port = Int(url.port)
        usesTLS = url.scheme == .https
    }
}

/// The keys of a simulator.
package struct SimulatorKeys: Sendable {
    /// The public keys that verify requests; any of them suffices.
    package var app: [RSAPublicKey]
    /// The private key that signs answers.
    package var gateway: RSAPrivateKey

    /// Creates the keys of a simulator.
    ///
    /// - Parameters:
    ///   - app: The public keys that verify requests.
    ///   - gateway: The private key that signs answers.
    package init(app: [RSAPublicKey], gateway: RSAPrivateKey) {
        self.app = app
        self.gateway = gateway
    }

    /// Reads the keys in a directory.
    ///
    /// Requests are verified with `app_public_key`, or with `app_public_key_2` if it exists, as during a key
    /// rotation.
    ///
    /// - Parameter directory: A directory written by ``SimulatorDirectory/write(port:usesTLS:replacesFiles:)``.
    /// - Throws: `SimulatorError` if a key is missing or wrong.
    package init(directory: SimulatorDirectory) throws(SimulatorError) {
        func key<Key>(_ name: String, _ make: ([UInt8]) throws(KeyError) -> Key) throws(SimulatorError) -> Key {
            let bytes = try directory.read(name)
            do {
                return try make(bytes)
            } catch {
                throw SimulatorError("\(directory.file(name)): \(error)")
            }
        }
        let names = ["app_public_key", "app_public_key_2"]
        app = []
        for name in names where name == names[0] || LocalFile.exists(directory.file(name)) {
            app.append(try key(name) { bytes throws(KeyError) in try RSAPublicKey(text: bytes) })
        }
        gateway = try key("gateway_private_key") { bytes throws(KeyError) in try RSAPrivateKey(text: bytes) }
    }
}

/// Why the simulator cannot be set up or started: one sentence for the terminal.
package struct SimulatorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and what to change.
    package let description: String

    /// Creates an error from its sentence.
    package init(_ description: String) {
        self.description = description
    }
}
