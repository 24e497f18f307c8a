import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// The writes of operators' commands and the scheduler's start.
extension PostgresTransaction {
    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64? {
        try mapped {
            let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
            let marks = refund.columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
            let sql = "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING RETURNING id"
            return try number(sql) { statement in
                for column in refund.columns { statement.bind(column.value) }
            }
        }
    }

    func write(_ change: RefundChange) throws(StoreError) {
        try mapped {
            let executor = WriteExecutor(self)
            try executor.write(change)
            executor.finish()
            try send()
        }
    }

    func deleteHints(refundID id: Int64) throws(StoreError) {
        try mapped {
            let sql = """
                DELETE FROM refund_hints h WHERE EXISTS (SELECT 1 FROM (\(HintReader.meant)) q WHERE q.id = $1)
                """
            flight.add(sql).bind(id)
            try send()
        }
    }

    func forgetHealth(of url: String) { WriteExecutor(self).write(nil as URLHealth?, url) }

    func lockPauses() {
        flight.add("SELECT pg_advisory_xact_lock(hashtextextended('refundd pauses ' || current_schema(), 0))")
    }

    // MARK: - The scheduler's start

    /// Ends the claims of daemons that are gone; those of the others go on.
    func releaseClaims() throws(StoreError) {
        try mapped {
            flight.add(TakeOver.deletion(returning: "1")).bind(0)
            let isOrphan = "NOT EXISTS (SELECT 1 FROM refund_daemons d WHERE d.id = claimed_by)"
            for sql in TakeOver.releases(isOrphan) { flight.add(sql) }
            try send()
        }
    }

    /// Removes the circuit breakers that no daemon uses.
    func removeBreakers() throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_breakers WHERE NOT EXISTS (SELECT 1 FROM refund_daemons)")
            try send()
        }
    }

    func retryMisconfigured(at now: Timestamp) throws(StoreError) {
        try mapped {
            let sql = """
                UPDATE refund_queue SET \(Self.dueBy)
                WHERE attention = 'misconfigured' AND \(SQLCondition.hasOpenState) AND (next_query_at IS NULL OR next_query_at > $1)
                """
            flight.add(sql).bind(now)
            try send()
        }
    }

    func forgetGateways(except names: Set<String>) throws(StoreError) {
        try mapped {
            flight.add("DELETE FROM refund_incidents WHERE gateway <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_breakers WHERE kind <> 'endpoint' AND name <> ALL ($1)").bind(list: names)
            flight.add("DELETE FROM refund_gateways WHERE name <> ALL ($1)").bind(list: names)
            try send()
        }
    }
}
