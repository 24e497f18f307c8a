/// What a simulator needs to know.
package struct SimulatorConfiguration: Sendable {
    /// The certificate and the private key that a simulator shows over TLS, both as PEM.
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

    /// The only `app_id` that is known.
    package var appID = SimulatorConfiguration.exampleAppID
    /// The keys to begin with.
    package var keys: SimulatorKeys
    /// What happens to which refund.
    package var scenarios = ScenarioBook()
    /// The port on 127.0.0.1; 0 takes a free one.
    package var port = 8443
    /// What to show over TLS; nil serves plain HTTP.
    package var identity: Identity?
    /// How long every answer is held back unless its scenario says otherwise.
    package var latency = Duration.zero
    /// How far the gateway's clock is ahead of this machine's; negative where it is behind.
    package var clockSkew = Duration.zero
    /// The file to append one line of JSON per request to, or nil.
    package var logFile: String?

    /// Creates a configuration that serves plain HTTP on port 8443, where every refund settles at the second query.
    ///
    /// - Parameter keys: The keys to begin with.
    package init(keys: SimulatorKeys) {
        self.keys = keys
    }
}
