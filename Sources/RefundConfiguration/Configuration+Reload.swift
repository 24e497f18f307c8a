extension Configuration {
    /// The keys that differ from an older configuration and that a running daemon cannot take over.
    ///
    /// Rows belong to the database they are in and to the merchant and application they were enqueued for; a daemon that
    /// changed those between two queries would ask one gateway account about the refunds of another.
    ///
    /// - Parameter old: The configuration that is in use.
    /// - Returns: The key paths in order; empty when a reload may go ahead.
    public func keysThatNeedRestart(since old: Configuration) -> [String] {
        var keys: [String] = []
        if database != old.database { keys.append("database.path") }
        for (name, gateway) in gateways.sorted(by: { $0.key < $1.key }) {
            guard let before = old.gateways[name] else { continue }
            let section = SectionPath.gateway(name)
            if gateway.appID != before.appID { keys.append(section.key("app_id")) }
            if gateway.merchantNo != before.merchantNo { keys.append(section.key("merchant_no")) }
        }
        return keys
    }
}
