import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundWebhooks

/// The checks of `refundd check`.
package enum ConfigurationCheck: Sendable {
    /// Reads the configuration with every key and secret, and builds the daemon's clients from it.
    ///
    /// - Returns: The results, one line each.
    /// - Throws: `CommandFailure` with every problem.
    package static func offline(file: String, environment: [String: String]) throws(CommandFailure) -> [String] {
        let configuration = try ConfigurationLoader.configuration(file: file, environment: environment)
        let credentials = try ConfigurationLoader.credentials(configuration)
        let connections = try Connections(configuration, credentials)
        defer { connections.shutDown() }
        let problems = [receiverProblem(configuration.webhook)].compactMap(\.self) + keyProblems(credentials)
        guard problems.isEmpty else {
            throw CommandFailure(.configuration, problems.map { "\(configuration.file): \($0)" })
        }
        var lines = ["\(configuration.file): ok", "database: \(configuration.database.path)"]
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let keys = credentials.gateways[name]?.verifyingKeys.map { $0.prefix(16) } ?? []
            let url = connections.settings.gateways[name]?.address ?? gateway.url
            lines.append("gateway \(name): \(url), public key \(keys.joined(separator: ", "))")
            if gateway.merchantNo == nil {
                let key = "\(Configuration.section(ofGateway: name)).merchant_no"
                lines.append("warning: \(key) is empty, so every row must have its own merchant_no")
            }
        }
        // The rest of the URL may contain a token.
        let endpoint = configuration.webhook.url.map(HTTPURL.endpoint(of:)) ?? "only to callback_url"
        lines.append("webhooks: \(endpoint), \(credentials.secrets.count) secret(s)")
        return lines
    }

    /// Returns why no webhook could ever reach the default receiver; nil if one might.
    private static func receiverProblem(_ webhook: WebhookSettings) -> String? {
        let policy = ReceiverPolicy(allowHosts: webhook.allowHosts)
        return webhook.url.flatMap(policy.problem).map { "webhook.url: \($0)" }
    }

    /// Returns the gateways whose public key is the public half of one of our own private keys.
    ///
    /// With such a key, no answer of the gateway ever verifies.
    private static func keyProblems(_ credentials: Credentials) -> [String] {
        var owners: [String: String] = [:]
        for (name, gateway) in credentials.gateways {
            if let key = gateway.signingKey { owners[key] = Configuration.section(ofGateway: name) }
        }
        return credentials.gateways.sorted { $0.key < $1.key }.flatMap { name, gateway in
            gateway.verifyingKeys.compactMap { owners[$0] }.map { owner in
                "\(Configuration.section(ofGateway: name)).public_key_files: this is the public half of "
                    + "\(owner).private_key_file; use the gateway's public key from its portal"
            }
        }
    }

    /// Queries each gateway for a refund that cannot exist, and checks that its answer verifies.
    ///
    /// - Returns: One line per gateway.
    /// - Throws: `CommandFailure` if a gateway is unreachable, refuses our credentials, or fails verification.
    package static func online(file: String, environment: [String: String]) async throws(CommandFailure) -> [String] {
        let configuration = try ConfigurationLoader.configuration(file: file, environment: environment)
        let credentials = try ConfigurationLoader.credentials(configuration)
        let connections = try Connections(configuration, credentials)
        defer { connections.shutDown() }
        var lines: [String] = []
        var failures: [String] = []
        var status = ExitStatus.unavailable
        for (name, gateway) in connections.settings.gateways.sorted(by: { $0.key < $1.key }) {
            let outcome = await query(gateway)
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

    private static func query(_ gateway: SchedulerSettings.Gateway) async -> QueryOutcome {
        let now = SystemClock().now()
        let refund = Refund(id: 0, merchantOrderNo: "REFUNDD-CHECK-\(now.milliseconds)", createdAt: now)
        guard let query = RefundQuery(refund, merchantNo: gateway.merchantNo ?? "0") else {
            return .unreachable(reason: "cannot build a query")
        }
        let attempt = await gateway.client.query(query, at: now)
        switch attempt {
        case .completed(let outcome, _): return outcome
        case .interrupted: return .unreachable(reason: "the query was interrupted")
        }
    }
}

extension GatewayQuerying {
    /// Sends a query and waits for its end.
    func query(_ query: RefundQuery, at now: Timestamp) async -> QueryAttempt {
        await withCheckedContinuation { continuation in
            self.query(query, at: now, isProbe: true) { continuation.resume(returning: $0) }
        }
    }
}
