import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// What an operator should know about a server that works: what slows it down, and what a failover would lose.
struct ServerAdvice {
    // A report soon ends; a transaction that somebody forgot does more harm every minute.
    private static let patience: Duration = .seconds(60)

    let store: PostgresStore

    /// Looks at the server.
    ///
    /// - Throws: `StoreError` if it cannot be asked.
    func findings() throws(StoreError) -> [Finding] {
        try snapshotFindings() + (try store.transaction(.read) { tx in try durabilityFindings(tx) })
    }

    // MARK: - Snapshots

    private func snapshotFindings() throws(StoreError) -> [Finding] {
        var findings: [Finding] = []
        let (role, isBlind) = try store.transaction(.read) { tx in
            let sql = "SELECT current_user::text, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"
            return try tx.rows(tx.query(sql)) { row in (row.text() ?? "", row.integer() == 0) }.first ?? ("", false)
        }
        if let held = try store.heldSnapshots(for: Self.patience).first {
            let time = held.time.map { " for \($0.formatted)" } ?? ""
            let text = "\(held.holder) has kept old rows from being cleaned up\(time); end it: \(held.remedy)"
            findings.append(Finding(.warning, "snapshot", text))
        } else if isBlind {
            let text = "refundd cannot see whose transaction keeps old rows from being cleaned up; as a superuser, run"
            findings.append(Finding(.warning, "snapshot", "\(text) GRANT pg_read_all_stats TO \(role.asIdentifier)"))
        } else {
            findings.append(Finding(.fine, "snapshot", "nobody keeps old rows from being cleaned up"))
        }
        return findings
    }

    // MARK: - Durability

    /// What decides whether a commit survives.
    struct Settings {
        /// `synchronous_commit`.
        var commit: String
        /// Whether the server waits for its disk.
        var hasFsync: Bool
        /// `synchronous_standby_names`.
        var names: String
        /// How many standbys are connected.
        var standbys: Int
    }

    // A role without `pg_read_all_stats` sees that there are standbys, but nothing else about them.
    private func durabilityFindings(_ tx: PostgresTransaction) throws -> [Finding] {
        let sql = """
            SELECT current_setting('synchronous_commit'), current_setting('fsync') = 'on',
            current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)
            """
        return try tx.rows(tx.query(sql)) { row in
            Self.finding(
                about: Settings(
                    commit: row.text() ?? "",
                    hasFsync: row.integer() == 1,
                    names: row.text() ?? "",
                    standbys: row.count()
                )
            )
        }
    }

    /// Judges the settings.
    static func finding(about settings: Settings) -> Finding {
        guard settings.hasFsync else {
            return Finding(
                .warning,
                "durability",
                "fsync is off: a crash of the server's machine may lose everything; set it to on"
            )
        }
        if settings.commit == "off" {
            let text = "synchronous_commit is off: a crash of the server loses what was committed last; set it to on"
            return Finding(.warning, "durability", text)
        }
        let isSynchronous = !settings.names.isEmpty && settings.commit != "local"
        guard settings.standbys > 0 || isSynchronous else {
            return Finding(.note, "durability", "the server has no standby; if its disk is lost, so is the queue")
        }
        guard isSynchronous else {
            let remedy =
                settings.names.isEmpty ? "name it in synchronous_standby_names" : "set synchronous_commit to on"
            let text = "the standby is asynchronous: a failover loses what was committed last, also by applications"
            return Finding(.warning, "durability", "\(text); \(remedy)")
        }
        guard settings.standbys > 0 else {
            let text =
                "no standby is connected, so commits wait for one of synchronous_standby_names (\(settings.names)); start one"
            return Finding(.warning, "durability", text)
        }
        return Finding(.fine, "durability", "commits wait for a standby (synchronous_commit = \(settings.commit))")
    }
}
