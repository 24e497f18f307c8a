package import RefundCrypto

/// The keys that a simulator goes by.
package struct SimulatorKeys: Sendable {
    /// The public keys that requests are verified with; any of them will do.
    package var app: [RSAPublicKey]
    /// The private key that answers are signed with.
    package var gateway: RSAPrivateKey

    /// Creates the keys of a simulator.
    ///
    /// - Parameters:
    ///   - app: The public keys that requests are verified with.
    ///   - gateway: The private key that answers are signed with.
    package init(app: [RSAPublicKey], gateway: RSAPrivateKey) {
        self.app = app
        self.gateway = gateway
    }

    /// Reads the keys of a directory.
    ///
    /// Requests are verified with `app_public_key.pem`, and with `app_public_key_2.pem` where there is one, as while an
    /// application changes its key.
    ///
    /// - Parameter directory: What ``SimulatorDirectory/write(port:usesTLS:replacesFiles:)`` wrote.
    /// - Throws: `SimulatorError` when a key is missing or wrong.
    package init(directory: SimulatorDirectory) throws(SimulatorError) {
        func key<Key>(_ name: String, _ make: ([UInt8]) throws(KeyError) -> Key) throws(SimulatorError) -> Key {
            let bytes = try directory.read(name)
            do {
                return try make(bytes)
            } catch {
                throw SimulatorError("\(directory.file(name)): \(error)")
            }
        }
        let names = ["app_public_key.pem", "app_public_key_2.pem"]
        app = []
        for name in names where name == names[0] || LocalFile.exists(directory.file(name)) {
            app.append(try key(name) { bytes throws(KeyError) in try RSAPublicKey(text: bytes) })
        }
        gateway = try key("gateway_private_key.pem") { bytes throws(KeyError) in try RSAPrivateKey(text: bytes) }
    }
}
