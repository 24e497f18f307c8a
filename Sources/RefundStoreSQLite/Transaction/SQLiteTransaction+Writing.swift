import GRDB
import RefundCore
import RefundStore
import RefundStoreSQL

/// The writes of operators' commands and the scheduler's start.
extension SQLiteTransaction {
    private var executor: WriteExecutor { WriteExecutor(store: store, database: database) }

    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64? {
        try mapped {
            let names = refund.columns.map(\.name.rawValue).joined(separator: ", ")
            let marks = refund.columns.map { _ in "?" }.joined(separator: ", ")
            let statement = try statements[
                "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING"
            ]
            for column in refund.columns { statement.bind(column.value) }
            return try statement.run() == 1 ? database.lastInsertedRowID : nil
        }
    }

    func write(_ change: RefundChange) throws(StoreError) {
        try mapped { try executor.write(change) }
    }

    func deleteHints(refundID id: Int64) throws(StoreError) {
        try mapped {
            let sql = """
                DELETE FROM refund_hints WHERE id IN
                (SELECT h.id FROM refund_hints h JOIN refund_queue q ON \(HintReader.isMeant) WHERE q.id = ?)
                """
            try statements[sql].bind(id).run()
        }
    }

    func forgetHealth(of url: String) throws { try executor.write(nil as URLHealth?, url) }

    // No cycle reads the pauses during another process's write transaction.
    func lockPauses() {}

    // MARK: - The scheduler's start

    // Single rows never make a start fail: the scheduler holds them, and names the trigger that rejects them.
    private var bulk: BulkWrite { BulkWrite(store: store, executor: executor) }

    func releaseClaims() throws(StoreError) {
        try mapped {
            try bulk.run(
                "UPDATE refund_queue SET leased_until = NULL",
                of: "refund_queue",
                where: "leased_until IS NOT NULL"
            )
            // A webhook superseded during its attempt ends here, because the attempt ended with its daemon.
            let release = "UPDATE refund_outbox SET \(SQLAssignment.endOfWebhookClaim())"
            try bulk.run(release, of: "refund_outbox", where: "leased_until IS NOT NULL")
        }
    }

    func removeBreakers() throws(StoreError) {
        try mapped { try bulk.run("DELETE FROM refund_breakers", of: "refund_breakers") }
    }

    func retryMisconfigured(at now: Timestamp) throws(StoreError) {
        try mapped {
            try bulk.run(
                "UPDATE refund_queue SET \(Self.parameters(Self.dueBy))",
                of: "refund_queue",
                where:
                    "attention = 'misconfigured' AND \(SQLCondition.hasOpenState) AND (next_query_at IS NULL OR next_query_at > ?1)"
            ) { $0.bind(now) }
        }
    }

    func forgetGateways(except names: Set<String>) throws(StoreError) {
        try mapped {
            let list = JSONWriter.list(names)
            let isUnknown = "NOT IN (SELECT value FROM json_each(?1))"
            try bulk.run("DELETE FROM refund_incidents", of: "refund_incidents", where: "gateway \(isUnknown)") {
                $0.bind(list)
            }
            try bulk.run(
                "DELETE FROM refund_breakers",
                of: "refund_breakers",
                where: "kind <> 'endpoint' AND name \(isUnknown)"
            ) { $0.bind(list) }
            try bulk.run("DELETE FROM refund_gateways", of: "refund_gateways", where: "name \(isUnknown)") {
                $0.bind(list)
            }
        }
    }
}
