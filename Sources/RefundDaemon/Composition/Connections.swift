import Foundation
package import RefundConfiguration
import RefundCore
import RefundHTTP
import RefundScheduler
package import RefundStore
import RefundWebhooks

/// The clients that a configuration describes: one for each gateway, and one for all receivers.
///
/// A reload creates new connections; the old ones stay open until everything in flight on them must have ended.
final class Connections: Sendable {
    /// The scheduler's settings, which send over these connections.
    let settings: SchedulerSettings
    private let shutDowns: [@Sendable () -> Void]
    private let longestTimeout: Duration

    /// Creates clients without connecting yet.
    ///
    /// - Parameters:
    ///   - configuration: The addresses, limits and timeouts.
    ///   - credentials: The keys and secrets.
    /// - Throws: `CommandFailure` if a client cannot be created.
    init(_ configuration: Configuration, _ credentials: Credentials) throws(CommandFailure) {
        var shutDowns: [@Sendable () -> Void] = []
        var gateways: [String: SchedulerSettings.Gateway] = [:]
        for (name, account) in credentials.gateways {
            guard let gateway = configuration.gateways[name] else { continue }
            let connection = try Self.client("gateway \(name)", account.connect)
            shutDowns.append(connection.shutDown)
            var settings = SchedulerSettings.Gateway(merchantNo: gateway.merchantNo, client: connection.client)
            settings.limits = gateway.limits
            settings.timeout = gateway.timeout
            settings.address = account.address
            gateways[name] = settings
        }
        let http = try Self.webhookClient(configuration.webhook)
        shutDowns.append(http.shutDown)
        var settings = SchedulerSettings(
            polling: configuration.polling,
            gateways: gateways,
            webhooks: Self.webhooks(configuration.webhook, credentials, http)
        )
        settings.delayedAfter = configuration.alerts.delayedAfter
        settings.retention = configuration.retention
        self.settings = settings
        self.shutDowns = shutDowns
        longestTimeout = configuration.gateways.values.map(\.timeout).reduce(configuration.webhook.timeout, max)
    }

    private static func webhooks(
        _ webhook: WebhookSettings,
        _ credentials: Credentials,
        _ http: HTTPClient
    ) -> SchedulerSettings.Webhooks {
        let sender = WebhookSender(webhook, secrets: credentials.secrets, http)
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

    /// Creates the client for all receivers.
    static func webhookClient(_ webhook: WebhookSettings) throws(CommandFailure) -> HTTPClient {
        let connections = webhook.maxInFlight
        return try client("webhooks") { name in
            try HTTPClient(settings: HTTPClient.Settings(maxConnections: connections, name: name, userAgent: "refundd"))
        }
    }

    private static func client<Client>(
        _ name: String,
        _ create: (String) throws -> Client
    ) throws(CommandFailure) -> Client {
        do {
            return try create(name)
        } catch {
            throw CommandFailure(.failed, ["cannot create the HTTP client for \(name): \(error)"])
        }
    }

    /// Closes every connection, and waits for the clients' threads; work in flight ends as interrupted.
    func shutDown() {
        for shutDown in shutDowns { shutDown() }
    }

    /// Closes every connection once everything in flight must have ended.
    func retire() {
        let wait = longestTimeout + .seconds(5)
        DispatchQueue(label: "refundd.retire").asyncAfter(deadline: .now() + wait.inSeconds) { [self] in shutDown() }
    }
}

extension WebhookSender {
    /// Creates the sender that a configuration describes.
    convenience init(_ webhook: WebhookSettings, secrets: [WebhookSecret], _ http: HTTPClient) {
        let settings = Settings(
            secrets: secrets,
            timeout: webhook.timeout,
            caFile: webhook.caFile,
            policy: ReceiverPolicy(allowHosts: webhook.allowHosts)
        )
        self.init(settings, http: http)
    }
}

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
