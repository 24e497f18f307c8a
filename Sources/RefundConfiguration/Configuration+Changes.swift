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
