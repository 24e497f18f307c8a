import GRDB
import RefundStore

extension SQLiteTransaction {
    /// Source: <https://www.sqlite.org/pragma.html#pragma_integrity_check>.
    func damage(limit: Int) throws(StoreError) -> [String] {
        try mapped {
            var findings: [String] = []
            do {
                let rows = try String.fetchCursor(database, sql: "PRAGMA integrity_check(\(limit))")
                while let finding = try rows.next() { findings.append(finding) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                // SQLite may end the check of a damaged file with an error, whether or not it has said what it found.
                if findings.isEmpty { findings.append(error.message ?? "\(error.resultCode)") }
            }
            return findings == ["ok"] ? [] : findings
        }
    }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let wanted = try DatabaseQueue().write { db in
                for sql in Migration.all.flatMap(\.sql) { try db.execute(sql: sql) }
                return try Self.schema(db)
            }
            let found = try Self.schema(database)
            let changed = wanted.keys.sorted().compactMap { name -> String? in
                guard let sql = found[name] else { return "\(name) is missing; somebody dropped it" }
                return sql == wanted[name] ? nil : "\(name) is not as refundd made it; somebody changed it"
            }
            return try changed + strays()
        }
    }

    // Others may stand beside them: an application may watch the queue with a trigger of its own.
    private static func schema(_ db: Database) throws -> [String: String] {
        // A table's columns may be added to; what does not fit in its rows shows elsewhere.
        let sql = """
            SELECT type || ' ' || name, sql FROM sqlite_master
            WHERE type <> 'table' AND name GLOB 'refund_*' AND sql IS NOT NULL
            """
        let pairs = try Row.fetchAll(db, sql: sql).map { row -> (String, String) in (row[0], row[1]) }
        return Dictionary(pairs) { first, _ in first }
    }

    private func strays() throws -> [String] {
        let stray = { (what: String, sql: String) -> String? in
            let count = try number("SELECT count(*) FROM \(sql)") ?? 0
            return count == 0 ? nil : "\(count) \(what)"
        }
        let counts = ["refund_queue", "refund_outbox"].map { table in
            "(counted = '\(table)' AND number <> (SELECT count(*) FROM \(table) t WHERE t.state = c.state))"
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
                "row(s) of the ledger are about another refund than the one with their refund_id",
                "refund_transitions t JOIN refund_queue q ON q.id = t.refund_id WHERE t.enqueued_at <> q.created_at "
                    + "OR t.number <> ifnull(q.merchant_order_no, q.trans_no)"
            ),
            try stray(
                "number(s) in refund_counts are wrong",
                "refund_counts c WHERE " + counts.joined(separator: " OR ")
            ),
        ]
        return found.compactMap(\.self)
            + (try ["refund_transitions", "refund_event_log", "refund_actions"].compactMap(gap))
    }

    // Append-only tables are numbered without gaps, to the last number ever assigned: a rollback takes back its numbers.
    private func gap(in table: String) throws -> String? {
        let sql = """
            SELECT ifnull((SELECT max(seq) FROM sqlite_sequence WHERE name = '\(table)'), 0), ifnull(max(rowid), 0),
            count(*) FROM \(table)
            """
        var problem: String?
        try statements[sql].read { row in
            let (assigned, last, count) = (row.integer() ?? 0, row.integer() ?? 0, row.integer() ?? 0)
            if assigned < last {
                problem = "\(table) would use numbers twice (sqlite_sequence)"
            } else if assigned != count {
                problem = "\(table) lacks \(assigned - count) of its \(assigned) rows; somebody deleted them"
            }
            return false
        }
        return problem
    }
}
