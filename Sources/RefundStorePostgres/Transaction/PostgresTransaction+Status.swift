import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

extension PostgresTransaction {
    func complete(_ status: inout QueueStatus, at now: Timestamp) throws {
        let size = """
            SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
            WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname ~ '^refund_'
            """
        status.fileBytes = try number(size) ?? 0
        status.daemons = try rows(query(ServingDaemon.query)) { row in ServingDaemon(row: row) }
        let gone = """
            SELECT at, action FROM (SELECT id, at, action FROM refund_actions ORDER BY id DESC LIMIT 1000) a
            WHERE starts_with(action, $1) AND at > $2 ORDER BY id DESC LIMIT 5
            """
        let day: Duration = .seconds(86_400)
        status.gone = try rows(query(gone).bind(TakeOver.action).bind(now.advanced(by: .zero - day))) { row in
            let (time, action) = (row.timestamp(), row.text() ?? "")
            return time.map { GoneDaemon(name: String(action.dropFirst(TakeOver.action.count)), at: $0) }
        }
    }

    /// Nil while daemons serve the queue: what they record has the time of their machines.
    ///
    /// The row of one that is gone stays until somebody takes over.
    func lastRecordedAt() throws(StoreError) -> Timestamp? {
        try mapped {
            let sql = """
                SELECT CASE WHEN EXISTS (SELECT 1 FROM refund_daemons WHERE \(ServingDaemon.isAlive))
                THEN NULL ELSE max(at) END FROM (
                    (SELECT at FROM refund_transitions ORDER BY id DESC LIMIT 1)
                    UNION ALL (SELECT at FROM refund_outbox_attempts ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT last_verified_at FROM refund_gateways
                    UNION ALL SELECT last_error_at FROM refund_gateways
                ) recorded
                """
            return try number(sql).map(Timestamp.init(milliseconds:))
        }
    }

    func claims() throws(StoreError) -> (refunds: Set<Int64>, webhooks: Set<String>) {
        try mapped {
            let isLeased = "leased_until IS NOT NULL"
            let refunds = try rows(
                flight.add("SELECT id FROM refund_queue WHERE \(SQLCondition.hasOpenState) AND \(isLeased)")
            ) { $0.integer() }
            let webhooks = try rows(flight.add("SELECT id FROM refund_outbox WHERE state = 'pending' AND \(isLeased)"))
            {
                $0.text()
            }
            return (Set(refunds), Set(webhooks))
        }
    }
}
