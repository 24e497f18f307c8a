package import RefundCore

/// The configuration of refundd: the file's values, overridden by environment variables, with defaults for the rest.
package struct Configuration: Hashable, Sendable {
    /// The absolute path of the configuration file.
    package var file: String
    package var database = DatabaseSettings()
    /// The gateways by name: `[gateway]` is `default`, `[gateways.NAME]` is `NAME`.
    package var gateways: [String: GatewaySettings]
    package var polling = PollingPolicy()
    package var webhook = WebhookSettings()
    package var admin = AdminSettings()
    package var heartbeat = HeartbeatSettings()
    package var alerts = AlertSettings()
    package var retention = RetentionPolicy()
    package var log = LogSettings()

    /// The name of the gateway in `[gateway]`, which rows use unless they name another one.
    package static let defaultGateway = "default"

    /// The name of a gateway's section in messages, such as `gateway` or `gateways.second`.
    package static func section(ofGateway name: String) -> String { SectionPath.gateway(name).description }

    /// Creates a configuration with the defaults of every section but the gateways.
    package init(file: String, gateways: [String: GatewaySettings]) {
        self.file = file
        self.gateways = gateways
    }

    /// Reads a configuration file and applies the environment's overrides.
    ///
    /// Does not open the key, secret and certificate files that the configuration names.
    ///
    /// - Parameters:
    ///   - file: The path of the file, absolute or relative to the current directory.
    ///   - environment: The process's environment, of which `REFUNDD_…` and `CREDENTIALS_DIRECTORY` are used.
    ///   - urlProblem: Judges the URL of a server.
    /// - Returns: The configuration, with every value checked and every file name absolute.
    /// - Throws: `ConfigurationError` with every problem.
    package static func load(
        file: String,
        environment: [String: String],
        urlProblem: DatabaseURLCheck = { _ in nil }
    ) throws(ConfigurationError) -> Configuration {
        let file = FileLocator.absolute(file)
        let document = try ConfigurationFile.document(of: file)
        var reader = ConfigurationReader(file: file, document: document, environment: environment)
        return try reader.configuration(urlProblem)
    }

    /// Returns the problems that prevent a running daemon from switching to this configuration.
    ///
    /// Rows belong to their database, merchant and application. If those changed between two queries, refundd would ask
    /// one gateway account about another account's refunds.
    ///
    /// - Parameter old: The configuration in use.
    /// - Returns: One problem per key that must not change; empty if the reload may proceed.
    package func obstaclesToReload(since old: Configuration) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        func refuse(_ key: String, _ value: String, old: String, _ remedy: String) {
            let message = "cannot change from \(old.quoted) while refundd is running; \(remedy)"
            let invalid = InvalidValue(message, .needsRestart, value: value.quoted)
            problems.append(ConfigurationProblem(invalid, place: .file(file), key: key))
        }
        func compare(_ key: String, _ value: String, _ old: String) {
            if value != old { refuse(key, value, old: old, "restore it, or restart refundd") }
        }
        compare("database.path", database.path, old.database.path)
        compare("database.url", database.url ?? "", old.database.url ?? "")
        compare("database.password_file", database.passwordFile ?? "", old.database.passwordFile ?? "")
        compare("database.schema", database.schema, old.database.schema)
        for (name, gateway) in gateways.sorted(by: { $0.key < $1.key }) {
            guard let before = old.gateways[name] else { continue }
            let section = SectionPath.gateway(name)
            compare(section.key("protocol"), gateway.protocolName, before.protocolName)
            compare(section.key("app_id"), gateway.appID, before.appID)
            compare(section.key("merchant_no"), gateway.merchantNo ?? "", before.merchantNo ?? "")
        }
        // The daemon binds the new address before closing the old one, so that a bad one changes nothing.
        if let listen = admin.listen, let before = old.admin.listen, listen != before, listen.port == before.port,
            listen.port != 0
        {
            refuse("admin.listen", "\(listen)", old: "\(before)", "also choose another port, or restart refundd")
        }
        return problems
    }
}

extension Configuration {
    /// The keys whose values differ from those of another configuration, without the values, of which some are secret.
    ///
    /// - Parameter old: The other configuration.
    /// - Returns: The keys, such as `polling.max_interval`, in the order of `refundd.conf.example`; for gateways that one
    ///   of them lacks, their sections.
    package func changes(since old: Configuration) -> [String] {
        database.changes(since: old.database) + gatewayChanges(since: old) + polling.changes(since: old.polling)
            + webhook.changes(since: old.webhook) + admin.changes(since: old.admin)
            + heartbeat.changes(since: old.heartbeat) + alerts.changes(since: old.alerts)
            + retention.changes(since: old.retention) + log.changes(since: old.log)
    }

    private func gatewayChanges(since old: Configuration) -> [String] {
        Set(gateways.keys).union(old.gateways.keys).sorted().flatMap { name in
            let section = SectionPath.gateway(name)
            guard let new = gateways[name], let old = old.gateways[name] else { return [section.description] }
            return new.changes(since: old, section.key)
        }
    }
}

extension ConfigurationSection {
    fileprivate func changes(since old: Self, _ key: (String) -> String = { "\(Self.name).\($0)" }) -> [String] {
        Self.keys.filter { $0.differs(self, old) }.map { key($0.name) }
    }
}
