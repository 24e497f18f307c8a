/// A gateway: the `[gateway]` section, or one of `[gateways.NAME]`.
///
/// Keys without a default are empty until they are read.
package struct GatewaySettings: Hashable, Sendable {
    /// The name of the gateway's protocol.
    package var protocolName = "paycloud"
    /// The URL as configured, which the protocol completes.
    package var url = ""
    /// The application's id at the gateway.
    package var appID = ""
    /// The merchant number for rows that name none; nil if every row must name its own.
    package var merchantNo: String?
    /// The absolute path of the application's private key.
    package var privateKeyFile = ""
    /// The absolute paths of the gateway's public keys, one or two.
    package var publicKeyFiles: [String] = []
    /// The absolute path of additional trust anchors.
    package var caFile: String?
    /// The time limit for a whole query.
    package var timeout: Duration = .seconds(10)
    /// The limits on queries per second and in flight.
    package var limits = QueryLimits()

    /// Creates the settings of an empty section.
    package init() {}
}

/// The limits on queries to one gateway.
package struct QueryLimits: Hashable, Sendable {
    /// The most queries in flight at once.
    package var maxInFlight: Int = 16
    /// The most queries sent within any second.
    package var maxQueriesPerSecond: Double = 20

    /// Creates the default limits.
    package init() {}
}
