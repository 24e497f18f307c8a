/// The keys that were made for tests, as PEM; nothing outside tests may trust them.
package enum TestKeys: Sendable {
    /// The private key of a stand-in for the gateway, which signs responses.
    package static let gatewayPrivatePEM = privatePEM("generated-gateway-key")
    /// The public key that verifies the stand-in's responses.
    package static let gatewayPublicPEM = publicPEM("generated-gateway-key")
    /// The private key of an app, which signs requests.
    package static let appPrivatePEM = privatePEM("generated-app-key")
    /// The public key that verifies the app's requests.
    package static let appPublicPEM = publicPEM("generated-app-key")
    /// A private key that belongs to neither.
    package static let wrongPrivatePEM = privatePEM("generated-wrong-key")
    /// The public key that belongs to `wrongPrivatePEM`.
    package static let wrongPublicPEM = publicPEM("generated-wrong-key")

    private static func privatePEM(_ name: String) -> String {
        guard let pem = SigningVectors.key(named: name)?.privatePEM else {
            fatalError("the signing vectors hold no private key called \(name)")
        }
        return pem
    }

    private static func publicPEM(_ name: String) -> String {
        guard let pem = SigningVectors.key(named: name)?.publicPEM else {
            fatalError("the signing vectors hold no public key called \(name)")
        }
        return pem
    }
}
