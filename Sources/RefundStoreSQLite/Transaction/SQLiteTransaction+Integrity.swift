import GRDB
import RefundStore
import RefundStoreSQL

extension SQLiteTransaction {
    func integrity(limit: Int) throws(StoreError) -> Integrity {
        try mapped { try IntegrityCheck(database, limit: limit).run() }
    }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let problems = try SchemaRepair(database).problems()
            // Rows can be read only if all tables are there.
            guard try SchemaRepair(database).obstacles().isEmpty else { return problems }
            return try problems + QueueRows(database).unservable(limit: Self.rowLimit) + strays() + gaps()
        }
    }

    private static let rowLimit = 100

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
        return try statements[sql].first { row in
            let (assigned, last) = (row.integer() ?? 0, row.integer() ?? 0)
            let count = skipped.reduce((row.integer() ?? 0) &+ pruned) { $0 &+ $1.through &- $1.after }
            if assigned < last {
                return "\(table) would reuse row numbers (sqlite_sequence is too low)"
            }
            return assigned == count
                ? nil : "\(table) lacks \(assigned - count) of its \(assigned) rows; somebody deleted them"
        }
    }
}
