import RefundConfiguration
package import RefundCore
import RefundPayCloud

/// The gateway protocols that refundd knows, by the value of the key `protocol`.
package struct GatewayProtocols: Sendable {
    /// All protocols; each has one line here.
    package static let known = GatewayProtocols([
        PayCloud()
    ])

    let all: [any GatewayProtocol]

    /// Creates a list of protocols, for tests.
    package init(_ all: [any GatewayProtocol]) {
        self.all = all
    }

    /// Finds the protocol of a gateway.
    ///
    /// - Parameters:
    ///   - settings: The gateway's section of the configuration.
    ///   - section: The section's name in messages.
    ///   - credentials: Collects the problem of an unknown name.
    /// - Returns: The protocol, or nil if there is none with this name.
    func find(
        _ settings: GatewaySettings,
        section: String,
        _ credentials: inout CredentialLoader
    ) -> (any GatewayProtocol)? {
        if let found = all.first(where: { $0.name == settings.protocolName }) { return found }
        let names = all.map { JSONWriter.quoted($0.name) }.joined(separator: ", ")
        credentials.report("expected one of \(names)", key: "\(section).protocol", value: settings.protocolName)
        return nil
    }

    /// Recognises a mistake behind the failure of a gateway's query, as the gateway's protocol does.
    ///
    /// - Parameters:
    ///   - problem: Why the query failed.
    ///   - gateway: The gateway's name.
    ///   - settings: The gateway's section; nil if the configuration cannot be used, so that it may be any protocol's.
    /// - Returns: The mistake with what ends it, or nil.
    func remedy(for problem: String, of gateway: String, _ settings: GatewaySettings?) -> GatewayRemedy? {
        all.lazy.filter { settings.map(\.protocolName) ?? $0.name == $0.name }
            .compactMap { $0.remedy(for: problem, of: gateway, settings) }.first
    }
}

extension DatabaseConfiguration {
    /// How far the clock may be off before a gateway refuses queries; nil if none does, or that is unknown.
    var clockWindow: Duration? {
        let names = whole?.gateways.values.map(\.protocolName) ?? []
        return GatewayProtocols.known.all.filter { names.contains($0.name) }.compactMap(\.clockWindow).min()
    }
}
