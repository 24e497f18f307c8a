public import RefundCore

/// A gateway: the `[gateway]` section, or one of `[gateways.NAME]`.
public struct GatewaySettings: Hashable, Sendable {
    /// The exact address that queries are posted to.
    public var url: String
    /// The application's number at the gateway.
    public var appID: String
    /// The merchant of rows that name none.
    public var merchantNo: String?
    /// The absolute path of the application's private key.
    public var privateKeyFile: String
    /// The absolute paths of the gateway's public keys, one or two.
    public var publicKeyFiles: [String]
    /// The absolute path of extra trust anchors.
    public var caFile: String?
    /// How long a query may take.
    public var timeout: Duration = .seconds(10)
    /// How hard the gateway may be asked.
    public var limits = QueryLimits()

    /// Creates the settings of a gateway, with defaults for all that has one.
    ///
    /// - Parameters:
    ///   - url: The exact address that queries are posted to.
    ///   - appID: The application's number at the gateway.
    ///   - privateKeyFile: The absolute path of the application's private key.
    ///   - publicKeyFiles: The absolute paths of the gateway's public keys.
    public init(url: String, appID: String, privateKeyFile: String, publicKeyFiles: [String]) {
        self.url = url
        self.appID = appID
        self.privateKeyFile = privateKeyFile
        self.publicKeyFiles = publicKeyFiles
    }
}
