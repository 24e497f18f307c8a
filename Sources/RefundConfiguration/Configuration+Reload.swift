extension Configuration {
    /// What keeps a daemon that runs with an older configuration from taking over this one.
    ///
    /// Rows belong to the database they are in and to the merchant and application they were enqueued for; a daemon that
    /// changed those between two queries would ask one gateway account about the refunds of another.
    ///
    /// - Parameter old: The configuration that is in use.
    /// - Returns: Each key that differs and cannot change, in order; none when a reload may go ahead.
    package func obstaclesToReload(since old: Configuration) -> [ConfigurationError] {
        var errors: [ConfigurationError] = []
        func refuse(_ value: String, with old: String, key: String, remedy: String) {
            let problem = "cannot change while the daemon runs, and it runs with \(old.quoted)"
            errors.append(
                ConfigurationError(file: file, key: key, value: value.quoted, problem: problem, remedy: remedy)
            )
        }
        func compare(_ value: String, with old: String, key: String) {
            guard value != old else { return }
            refuse(value, with: old, key: key, remedy: "write that again, or restart refundd")
        }
        compare(database.path, with: old.database.path, key: "database.path")
        for (name, gateway) in gateways.sorted(by: { $0.key < $1.key }) {
            guard let before = old.gateways[name] else { continue }
            let section = SectionPath.gateway(name)
            compare(gateway.appID, with: before.appID, key: section.key("app_id"))
            compare(gateway.merchantNo ?? "", with: before.merchantNo ?? "", key: section.key("merchant_no"))
        }
        // The new address is listened on before the old one is given up, so that a bad one changes nothing.
        if let listen = admin.listen, let before = old.admin.listen, listen != before, listen.port == before.port,
            listen.port != 0
        {
            let remedy = "choose another port, too, or restart refundd"
            refuse(listen.description, with: before.description, key: "admin.listen", remedy: remedy)
        }
        return errors
    }
}
