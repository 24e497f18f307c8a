import Foundation
import RefundConfiguration
import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundScheduler
import RefundWebhooks

/// What `refundd check` finds.
package enum Check: Sendable {
    /// Reads the configuration with every key and secret, and puts the parts together as the daemon would.
    ///
    /// - Parameters:
    ///   - file: The configuration.
    ///   - environment: The process's environment.
    /// - Returns: What was checked, a line each.
    /// - Throws: `CommandFailure` with everything that is wrong.
    package static func offline(file: String, environment: [String: String]) throws(CommandFailure) -> [String] {
        let configuration = try Setup.configuration(file: file, environment: environment)
        let credentials = try Setup.credentials(configuration)
        let connections = try Connections(configuration, credentials, signing: SigningPool(threads: 1))
        var lines = ["\(configuration.file): ok", "database: \(configuration.database.path)"]
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let keys = credentials.gateways[name]?.publicKeys.map { $0.fingerprint.prefix(16) } ?? []
            let url = connections.settings.gateways[name]?.address ?? gateway.url
            lines.append("gateway \(name): \(url), public key \(keys.joined(separator: ", "))")
        }
        let webhook = configuration.webhook
        // What follows the host may be a token.
        let endpoint = webhook.url.map(WebhookSender.endpoint(of:)) ?? "only to callback_url"
        lines.append("webhooks: \(endpoint), \(credentials.secrets.count) secret(s)")
        return lines
    }

    /// Asks each gateway for a refund that cannot exist and says whether its answer verifies.
    ///
    /// - Parameters:
    ///   - file: The configuration.
    ///   - environment: The process's environment.
    /// - Returns: A line a gateway.
    /// - Throws: `CommandFailure` when a gateway cannot be reached, or refuses or fails to prove itself.
    package static func online(file: String, environment: [String: String]) async throws(CommandFailure) -> [String] {
        let configuration = try Setup.configuration(file: file, environment: environment)
        let credentials = try Setup.credentials(configuration)
        let connections = try Connections(configuration, credentials, signing: SigningPool(threads: 1))
        defer { connections.shutDown() }
        var lines: [String] = []
        var failures: [String] = []
        var status = ExitStatus.unavailable
        for (name, gateway) in connections.settings.gateways.sorted(by: { $0.key < $1.key }) {
            let outcome = await ask(gateway)
            switch outcome {
            case .report, .notFound, .inconclusive:
                lines.append("gateway \(name): answers, and its signature verifies")
            case .credentialsRefused, .unverified:
                status = .failed
                failures.append("gateway \(name): \(outcome.problem ?? "")")
            case .slowedDown, .unreachable:
                failures.append("gateway \(name): \(outcome.problem ?? "")")
            }
        }
        guard failures.isEmpty else { throw CommandFailure(status, failures) }
        return lines
    }

    private static func ask(_ gateway: EngineSettings.Gateway) async -> QueryOutcome {
        let now = SystemClock().now()
        let refund = Refund(id: 0, merchantOrderNo: "REFUNDD-CHECK-\(now.milliseconds)", createdAt: now)
        guard let query = RefundQuery(refund, merchantNo: gateway.merchantNo ?? "0") else {
            return .unreachable(reason: "there is nothing to ask")
        }
        return await gateway.ask(query, at: now)
    }
}
