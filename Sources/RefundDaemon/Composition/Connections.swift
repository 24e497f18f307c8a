import Foundation
package import RefundConfiguration
import RefundCore
import RefundHTTP
package import RefundPayCloud
import RefundScheduler
package import RefundStore
package import RefundWebhooks

/// The clients that a configuration describes: one for each gateway, and one for all receivers.
///
/// A reload creates new connections; the old ones stay open until everything in flight on them must have ended.
final class Connections: Sendable {
    /// The scheduler's settings, which send over these connections.
    let settings: SchedulerSettings
    private let clients: [HTTPClient]
    private let longestTimeout: Duration

    /// Creates clients without connecting yet.
    ///
    /// - Parameters:
    ///   - configuration: The addresses, limits and timeouts.
    ///   - credentials: The keys and secrets.
    ///   - signing: The pool of threads that sign.
    /// - Throws: `CommandFailure` if a client cannot be created.
    init(_ configuration: Configuration, _ credentials: Credentials, signing: SigningPool) throws(CommandFailure) {
        var clients: [HTTPClient] = []
        var gateways: [String: SchedulerSettings.Gateway] = [:]
        for (name, gateway) in configuration.gateways {
            guard let keys = credentials.gateways[name] else { continue }
            let url = try Self.queryURL(of: gateway, name, in: configuration.file)
            let http = try Self.client("gateway \(name)", connections: gateway.limits.maxInFlight)
            clients.append(http)
            gateways[name] = SchedulerSettings.Gateway(gateway, url: url, keys, http, signing)
        }
        let http = try Self.client("webhooks", connections: configuration.webhook.maxInFlight)
        clients.append(http)
        settings = SchedulerSettings(
            polling: configuration.polling,
            gateways: gateways,
            webhooks: Self.webhooks(configuration.webhook, credentials, http)
        )
        self.clients = clients
        longestTimeout = configuration.gateways.values.map(\.timeout).reduce(configuration.webhook.timeout, max)
    }

    private static func queryURL(
        of gateway: GatewaySettings,
        _ name: String,
        in file: String
    ) throws(CommandFailure) -> String {
        do {
            return try GatewayURL.query(at: gateway.url)
        } catch {
            let key = name == Configuration.defaultGateway ? "gateway" : "gateways.\(name)"
            throw CommandFailure(.configuration, ["\(file): \(key).url = \(JSONWriter.quoted(gateway.url)): \(error)"])
        }
    }

    private static func webhooks(
        _ webhook: WebhookSettings,
        _ credentials: Credentials,
        _ http: HTTPClient
    ) -> SchedulerSettings.Webhooks {
        let sender = WebhookSender(
            WebhookSender.Settings(
                secrets: credentials.secrets,
                timeout: webhook.timeout,
                caFile: webhook.caFile,
                policy: ReceiverPolicy(allowHosts: webhook.allowHosts)
            ),
            http: http
        )
        var webhooks = SchedulerSettings.Webhooks(
            routing: WebhookRouting(webhook),
            hasSecret: !credentials.secrets.isEmpty,
            client: sender
        )
        webhooks.maxInFlight = webhook.maxInFlight
        webhooks.timeout = webhook.timeout
        webhooks.retrySchedule = webhook.retrySchedule
        return webhooks
    }

    private static func client(_ name: String, connections: Int) throws(CommandFailure) -> HTTPClient {
        do {
            return try HTTPClient(
                settings: HTTPClient.Settings(
                    maxConnections: connections,
                    name: name,
                    userAgent: "refundd"
                )
            )
        } catch {
            throw CommandFailure(.failed, ["cannot create the HTTP client for \(name): \(error)"])
        }
    }

    /// Closes every connection, and waits for the clients' threads; work in flight ends as interrupted.
    func shutDown() {
        for client in clients { client.shutDown() }
    }

    /// Closes every connection once everything in flight must have ended.
    func retire() {
        let wait = longestTimeout + .seconds(5)
        DispatchQueue(label: "refundd.retire").asyncAfter(deadline: .now() + wait.inSeconds) { [self] in shutDown() }
    }
}

extension SchedulerSettings.Gateway {
    fileprivate init(
        _ gateway: GatewaySettings,
        url: String,
        _ keys: Credentials.Gateway,
        _ http: HTTPClient,
        _ signing: SigningPool
    ) {
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
        self.init(merchantNo: gateway.merchantNo, client: client)
        limits = gateway.limits
        timeout = gateway.timeout
        address = url
    }
}

extension GatewayClient: GatewayQuerying {}

extension WebhookSender: WebhookDelivering {}

extension WebhookRouting {
    /// Creates the routing that a configuration describes.
    init(_ webhook: WebhookSettings) {
        self.init(defaultURL: webhook.url, events: webhook.events, endpoint: HTTPURL.endpoint(of:))
    }
}

extension Configuration {
    /// The context in which an operator's command creates events: the same as a daemon's with this configuration.
    package var eventContext: EventContext {
        EventContext(
            routing: WebhookRouting(webhook),
            merchantNumbers: gateways.compactMapValues(\.merchantNo)
        )
    }
}
