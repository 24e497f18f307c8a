import GRDB
import RefundStore

extension SQLiteTransaction {
    func integrity(limit: Int) throws(StoreError) -> Integrity {
        try mapped { try IntegrityCheck(database, limit: limit).run() }
    }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let problems = try SchemaRepair(database).problems()
            // Rows can be read only if all tables are there.
            guard try SchemaRepair(database).obstacles().isEmpty else { return problems }
            return try problems + QueueRows(database).unservable(limit: Self.rowLimit) + strays()
        }
    }

    private static let rowLimit = 100

    private func strays() throws -> [String] {
        let stray = { (what: String, sql: String) -> String? in
            let count = try number("SELECT count(*) FROM \(sql)") ?? 0
            return count == 0 ? nil : "\(count) \(what)"
        }
        let counts = TableRepair.counted.flatMap { table, states in
            states.map { state in
                """
                SELECT count(*) AS actual, (SELECT number FROM refund_counts WHERE counted = '\(table)'
                AND state = '\(state)') AS number FROM \(table) WHERE state = '\(state)'
                """
            }
        }
        let found = [
            try stray(
                "webhook(s) belong to no event",
                "refund_outbox o WHERE NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.position = o.position)"
            ),
            try stray(
                "attempt(s) belong to no webhook",
                "refund_outbox_attempts a WHERE NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = a.position)"
            ),
            try stray(
                "ledger row(s) belong to another refund than their refund_id says",
                "refund_transitions t JOIN refund_queue q ON q.id = t.refund_id WHERE t.enqueued_at <> q.created_at "
                    + "OR t.number <> ifnull(ifnull(q.merchant_order_no, q.trans_no), '')"
            ),
            try stray(
                "refund(s) are recorded as pruned and still there",
                "refund_pruned_refunds p JOIN refund_queue q ON q.id = p.refund_id"
            ),
            try stray(
                "number(s) in refund_counts are wrong",
                "(\(counts.joined(separator: " UNION ALL "))) WHERE number IS NOT actual"
            ),
        ]
        return found.compactMap(\.self) + (try gaps()) + (try unrecorded().map { [$0] } ?? [])
    }

    private func unrecorded() throws -> String? {
        let recorded = try number("SELECT ifnull(sum(refunds), 0) FROM refund_pruned") ?? 0
        let left = try number("SELECT count(*) FROM refund_pruned_refunds") ?? 0
        return recorded == left
            ? nil : "refund_pruned counts \(recorded) pruned refunds, but refund_pruned_refunds has \(left)"
    }

    // Append-only tables are numbered without gaps up to the last number assigned: a rollback takes back its numbers,
    // only the acceptance of a restored copy skips some, and retention records how many it prunes.
    private func gaps() throws -> [String] {
        let skipped = try rows(try statements["SELECT action FROM refund_actions WHERE action GLOB 'skip *'"]) { row in
            row.text().flatMap(SkippedNumbers.init(action:))
        }
        let pruned = [
            "refund_transitions": try number("SELECT sum(transitions) FROM refund_pruned") ?? 0,
            "refund_event_log": try number("SELECT sum(events) FROM refund_pruned") ?? 0,
        ]
        return try ["refund_transitions", "refund_event_log", "refund_actions", "refund_pruned"].compactMap { table in
            try gap(in: table, skipped.filter { $0.table == table }, pruned: pruned[table] ?? 0)
        }
    }

    private func gap(in table: String, _ skipped: [SkippedNumbers], pruned: Int64) throws -> String? {
        let sql = """
            SELECT ifnull((SELECT max(seq) FROM sqlite_sequence WHERE name = '\(table)'), 0), ifnull(max(rowid), 0),
            count(*) FROM \(table)
            """
        var problem: String?
        try statements[sql].read { row in
            let (assigned, last) = (row.integer() ?? 0, row.integer() ?? 0)
            let count = skipped.reduce((row.integer() ?? 0) &+ pruned) { $0 &+ $1.through &- $1.after }
            if assigned < last {
                problem = "\(table) would reuse row numbers (sqlite_sequence is too low)"
            } else if assigned != count {
                problem = "\(table) lacks \(assigned - count) of its \(assigned) rows; somebody deleted them"
            }
            return false
        }
        return problem
    }
}
