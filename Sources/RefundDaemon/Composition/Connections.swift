import Foundation
import RefundConfiguration
import RefundCore
import RefundHTTP
import RefundPayCloud
import RefundWebhooks

/// The edges that a configuration describes, put together: a client for each gateway and one for all receivers.
///
/// A reload makes new connections; the old ones live on until what they have in flight must have ended.
final class Connections: Sendable {
    /// What the engine goes by, with these connections behind it.
    let settings: EngineSettings
    private let clients: [HTTPClient]
    private let longestTimeout: Duration

    /// Connects nothing yet: the first query and the first webhook do.
    ///
    /// - Parameters:
    ///   - configuration: Addresses, limits and times.
    ///   - credentials: Keys and secrets.
    ///   - signing: The threads that sign.
    /// - Throws: `CommandFailure` when a client cannot be made.
    init(_ configuration: Configuration, _ credentials: Credentials, signing: SigningPool) throws(CommandFailure) {
        var clients: [HTTPClient] = []
        var gateways: [String: EngineSettings.Gateway] = [:]
        for (name, gateway) in configuration.gateways {
            guard let keys = credentials.gateways[name] else { continue }
            let url = try Self.queryURL(of: gateway, name)
            let http = try Self.client("gateway \(name)", connections: gateway.limits.maxInFlight)
            clients.append(http)
            let client = GatewayClient(
                GatewayClient.Settings(
                    url: url,
                    appID: gateway.appID,
                    privateKey: keys.privateKey,
                    publicKeys: keys.publicKeys,
                    caFile: gateway.caFile,
                    timeout: gateway.timeout
                ),
                http: http,
                signing: signing
            )
            gateways[name] = EngineSettings.Gateway(
                merchantNo: gateway.merchantNo,
                limits: gateway.limits,
                timeout: gateway.timeout,
                address: url
            ) { query, now, completion in client.send(query, at: now, completion: completion) }
        }
        let http = try Self.client("webhooks", connections: configuration.webhook.maxInFlight)
        clients.append(http)
        settings = EngineSettings(
            polling: configuration.polling,
            gateways: gateways,
            webhooks: try Self.webhooks(configuration.webhook, credentials, http)
        )
        self.clients = clients
        longestTimeout = configuration.gateways.values.map(\.timeout).reduce(configuration.webhook.timeout, max)
    }

    private static func queryURL(of gateway: GatewaySettings, _ name: String) throws(CommandFailure) -> String {
        do {
            return try GatewayURL.query(at: gateway.url)
        } catch {
            throw CommandFailure(.configuration, ["gateway \(name): url = \(gateway.url) \(error)"])
        }
    }

    private static func webhooks(
        _ webhook: WebhookSettings,
        _ credentials: Credentials,
        _ http: HTTPClient
    ) throws(CommandFailure) -> EngineSettings.Webhooks {
        let policy: ReceiverPolicy
        do {
            policy = try ReceiverPolicy(allowHosts: webhook.allowHosts)
        } catch {
            throw CommandFailure(.configuration, ["webhook.allow_hosts: \(error)"])
        }
        let sender = WebhookSender(
            client: http,
            settings: WebhookSender.Settings(
                secrets: credentials.secrets,
                timeout: webhook.timeout,
                caFile: webhook.caFile,
                policy: policy
            )
        )
        var webhooks = EngineSettings.Webhooks(
            routing: WebhookRouting(webhook),
            hasSecret: !credentials.secrets.isEmpty
        ) {
            delivery,
            now,
            completion in sender.send(delivery, at: now, completion: completion)
        }
        webhooks.capacity = webhook.maxInFlight
        webhooks.timeout = webhook.timeout
        webhooks.retrySchedule = webhook.retrySchedule
        return webhooks
    }

    private static func client(_ name: String, connections: Int) throws(CommandFailure) -> HTTPClient {
        do {
            return try HTTPClient(
                settings: HTTPClient.Settings(
                    maxConnections: connections,
                    maxConnectionsPerHost: connections,
                    name: name,
                    userAgent: "refundd"
                )
            )
        } catch {
            throw CommandFailure(.failed, ["cannot make a client for \(name): \(error)"])
        }
    }

    /// Ends every connection, failing what is still in flight.
    func shutDown() {
        for client in clients { client.shutDown() }
    }

    /// Ends every connection once everything in flight must have come to its own end.
    func retire() {
        let wait = DispatchTimeInterval.milliseconds(Int(longestTimeout.wholeMilliseconds) + 5_000)
        DispatchQueue(label: "refundd.retire").asyncAfter(deadline: .now() + wait) { [self] in shutDown() }
    }
}
