import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore

/// The checks of `refundd check`.
package enum ConfigurationCheck: Sendable {
    /// Reads the configuration with every key and secret, builds the daemon's clients from it, and checks that the daemon
    /// could serve its database and its admin address.
    ///
    /// - Returns: The results, one line each.
    /// - Throws: `CommandFailure` with every problem.
    package static func offline(file: String, environment: [String: String]) throws(CommandFailure) -> [String] {
        let (configuration, credentials, connections) = try read(file, environment)
        defer { connections.shutDown() }
        let provider = try CommandFailure.mapping { () throws(StoreError) in
            try StoreProviders.provider(for: configuration.database)
        }
        let problems =
            ReceiverCheck(webhook: configuration.webhook).offlineProblem().map { ["webhook.url: \($0)"] } ?? []
        let others = keyProblems(credentials) + adminProblems(configuration, provider.daemon)
        let database = provider.findings(for: .current)
        let key = configuration.database.url == nil ? "database.path" : "database.url"
        let grave = database.filter { $0.gravity == .problem }.map { "\(key): \($0.line)" }
        let all = (problems + others + grave).map { "\(configuration.file): \($0)" }
        guard all.isEmpty else { throw CommandFailure(all.count == grave.count ? .database : .configuration, all) }
        var lines = ["\(configuration.file): ok", "database: \(provider.location)"]
        lines += database.map { ($0.gravity == .warning ? "warning: " : "note: ") + $0.line }
        for (name, gateway) in configuration.gateways.sorted(by: { $0.key < $1.key }) {
            let keys = credentials.publicKeys[name, default: []].map { $0.prefix(16) }
            let url = connections.settings.gateways[name]?.address ?? gateway.url
            // Plain http:// is only this machine's, where a simulator takes any application.
            if gateway.appID == exampleAppID, !gateway.url.hasPrefix("http://") {
                let key = "\(Configuration.section(ofGateway: name)).app_id"
                lines.append("warning: \(key) is still the example's; the gateway's portal shows yours")
            }
            let shown = keys.isEmpty ? "" : ", public key \(keys.joined(separator: ", "))"
            lines.append("gateway \(name): \(url)\(shown)")
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

    private static func read(
        _ file: String,
        _ environment: [String: String]
    ) throws(CommandFailure) -> (Configuration, Credentials, Connections) {
        let configuration = try ConfigurationLoader.configuration(file: file, environment: environment)
        let credentials = try ConfigurationLoader.credentials(configuration, environment: environment)
        return (configuration, credentials, try Connections(configuration, credentials))
    }

    // What refundd.conf.example shows.
    static let exampleAppID = "wz715fc0d10ee9d156"

    private static func adminProblems(_ configuration: Configuration, _ daemon: DaemonPresence) -> [String] {
        guard let address = configuration.admin.listen else { return [] }
        return AdminAddressCheck(address: address, daemon: daemon).problem().map { ["admin.listen: \($0)"] } ?? []
    }

    /// Returns the gateways whose public key is the public half of one of our own private keys.
    ///
    /// With such a key, no answer of the gateway ever verifies.
    static func keyProblems(_ credentials: Credentials) -> [String] {
        var owners: [String: String] = [:]
        for (name, gateway) in credentials.gateways {
            if let key = gateway.signingKey { owners[key] = Configuration.section(ofGateway: name) }
        }
        return credentials.publicKeys.sorted { $0.key < $1.key }.flatMap { name, keys in
            keys.compactMap { owners[$0] }.map { owner in
                "\(Configuration.section(ofGateway: name)).public_key_files: this is the public half of "
                    + "\(owner).private_key_file; use the gateway's public key from its portal"
            }
        }
    }

    /// Queries each gateway for a refund that cannot exist, checks that its answer verifies, and resolves the receiver.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - environment: The process's environment.
    ///   - waits: Called with what the check waits for, such as `gateway default`.
    /// - Returns: One line per gateway and receiver.
    /// - Throws: `CommandFailure` if a gateway is unreachable, refuses the query, or fails verification, or if no
    ///   webhook can ever reach the receiver.
    package static func online(
        file: String,
        environment: [String: String],
        _ waits: (String) -> Void = { _ in }
    ) async throws(CommandFailure) -> [String] {
        let (configuration, _, connections) = try read(file, environment)
        defer { connections.shutDown() }
        var findings: [Finding] = []
        var isUnavailable = true
        for (name, gateway) in connections.settings.gateways.sorted(by: { $0.key < $1.key }) {
            waits("gateway \(name)")
            var (finding, outcome) = await GatewayCheck(name: name, gateway: gateway).finding()
            if finding.gravity == .problem { finding = ClockCheck.problem(with: name, finding.text) ?? finding }
            if finding.gravity == .problem, outcome.isResponse { isUnavailable = false }
            findings.append(finding)
        }
        waits("the receiver")
        if let receiver = ReceiverCheck(webhook: configuration.webhook).onlineFinding() {
            if receiver.gravity == .problem { isUnavailable = false }
            findings.append(receiver)
        }
        let failures = findings.filter { $0.gravity == .problem }.map { "\($0.subject): \($0.line)" }
        guard failures.isEmpty else { throw CommandFailure(isUnavailable ? .unavailable : .failed, failures) }
        return findings.map { ($0.gravity == .warning ? "warning: " : "") + "\($0.subject): \($0.line)" }
    }
}
