package import RefundCore

/// A gateway: the `[gateway]` section, or one of `[gateways.NAME]`.
package struct GatewaySettings: Hashable, Sendable {
    /// The exact address that queries are posted to.
    package var url: String
    /// The application's number at the gateway.
    package var appID: String
    /// The merchant of rows that name none.
    package var merchantNo: String?
    /// The absolute path of the application's private key.
    package var privateKeyFile: String
    /// The absolute paths of the gateway's public keys, one or two.
    package var publicKeyFiles: [String]
    /// The absolute path of extra trust anchors.
    package var caFile: String?
    /// How long a query may take.
    package var timeout: Duration = .seconds(10)
    /// How hard the gateway may be asked.
    package var limits = QueryLimits()

    /// Creates the settings of a gateway, with defaults for all that has one.
    ///
    /// - Parameters:
    ///   - url: The exact address that queries are posted to.
    ///   - appID: The application's number at the gateway.
    ///   - privateKeyFile: The absolute path of the application's private key.
    ///   - publicKeyFiles: The absolute paths of the gateway's public keys.
    package init(url: String, appID: String, privateKeyFile: String, publicKeyFiles: [String]) {
        self.url = url
        self.appID = appID
        self.privateKeyFile = privateKeyFile
        self.publicKeyFiles = publicKeyFiles
    }
}
