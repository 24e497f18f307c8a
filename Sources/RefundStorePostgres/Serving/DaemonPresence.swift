import RefundCore
import RefundPostgres
import RefundStore

extension Fleet {
    /// The daemons that serve a queue, the oldest first: registered, and seen a short while ago.
    static func daemons(
        _ connection: PostgresConnection,
        _ settings: PostgresSettings
    ) throws(PostgresError) -> [ServingDaemon] {
        let deadline = ContinuousClock.now.advanced(by: .seconds(10))
        var exists = false
        let look = Flight()
        look.add("SELECT to_regclass($1 || '.refund_daemons') IS NOT NULL").bind(settings.quotedSchema)
            .read { exists = $0.integer() == 1 }
        try connection.run(look, until: deadline)
        guard exists else { return [] }
        var found: [ServingDaemon] = []
        let flight = Flight()
        flight.add(ServingDaemon.query).read { row in found.append(ServingDaemon(row: row)) }
        try connection.run(flight, until: deadline)
        return found
    }
}

extension ServingDaemon {
    /// The query whose rows `init(row:)` reads: the daemons that are registered, and were seen a short while ago.
    static let query = """
        SELECT id, host, pid, version, started, reloaded, seen, locks FROM refund_daemons WHERE \(isAlive)
        ORDER BY started, id
        """

    /// Whether a row of `refund_daemons` is that of a daemon from which the others would not take over.
    static let isAlive = """
        seen >= refund_now() - \(Registration.patience.wholeMilliseconds)
        AND NOT (locks AND pg_try_advisory_xact_lock_shared(\(Registration.lockClass), id))
        """

    init(row: PostgresRow) {
        let (id, host, pid, version) = (row.integer(), row.text(), row.integer() ?? 0, row.text() ?? "")
        self.init(
            pid: Int32(truncatingIfNeeded: pid),
            version: version,
            since: row.timestamp() ?? Timestamp(milliseconds: 0),
            reloaded: row.timestamp()
        )
        (self.id, self.host, lastSeen, isPooled) = (id, host, row.timestamp(), row.integer() == 0)
    }
}
