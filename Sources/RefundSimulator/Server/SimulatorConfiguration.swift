/// What a simulator needs to know.
public struct SimulatorConfiguration: Sendable {
    /// The certificate and the private key that a simulator shows over TLS, both as PEM.
    public struct Identity: Sendable {
        /// The certificate.
        public var certificate: String
        /// Its private key.
        public var privateKey: String

        /// Creates an identity.
        public init(certificate: String, privateKey: String) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    /// The application id of the vendor's published examples:
    /// <https://developer.n-age.co.jp/docs/ja/newage/CloudAPI/query-refund>.
    public static let exampleAppID = "wz715fc0d10ee9d156"
    /// The merchant number of the same examples.
    public static let exampleMerchantNo = "312100007235"

    /// The only `app_id` that is known.
    public var appID = SimulatorConfiguration.exampleAppID
    /// The keys to begin with.
    public var keys: SimulatorKeys
    /// What happens to which refund.
    public var scenarios = ScenarioBook()
    /// The port on 127.0.0.1; 0 takes a free one.
    public var port = 8443
    /// What to show over TLS; nil serves plain HTTP.
    public var identity: Identity?
    /// How long every answer is held back unless its scenario says otherwise.
    public var latency = Duration.zero
    /// How far the gateway's clock is ahead of this machine's; negative where it is behind.
    public var clockSkew = Duration.zero
    /// The file to append one line of JSON per request to, or nil.
    public var logFile: String?

    /// Creates a configuration that serves plain HTTP on port 8443, where every refund settles at the second query.
    ///
    /// - Parameter keys: The keys to begin with.
    public init(keys: SimulatorKeys) {
        self.keys = keys
    }
}
