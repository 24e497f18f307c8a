import GRDB
import RefundStore
import Synchronization

/// Writes many rows of a table at once; if an application's trigger rejects one, writes row by row without that one.
struct BulkWrite {
    let store: SQLiteStore
    let executor: WriteExecutor

    /// Runs a statement for every row that a condition selects; `upkeep` reports the rows that were rejected.
    ///
    /// - Parameters:
    ///   - statement: The statement up to its WHERE.
    ///   - table: The table.
    ///   - condition: The condition.
    ///   - bind: Binds the parameters `?1` and so on of statement and condition.
    /// - Throws: `DatabaseError` if the database fails.
    func run(
        _ statement: String,
        of table: String,
        where condition: String = "true",
        _ bind: (HotStatement) -> HotStatement = { $0 }
    ) throws {
        let statements = executor.statements
        if store.connection.refused[table] == nil {
            let all = try statements["\(statement) WHERE \(condition)"]
            guard let reason = try executor.rejection({ try bind(all).run() }) else { return }
            try requireTransaction(table, reason)
        }
        var rows: [Int64] = []
        try bind(try statements["SELECT rowid FROM \(table) WHERE \(condition)"]).read { row in
            if let id = row.integer() { rows.append(id) }
            return true
        }
        let one = try statements["\(statement) WHERE (\(condition)) AND rowid = :row"]
        var reasons: [String] = []
        for id in rows {
            let name = "\(table) \(id)"
            if let reason = store.connection.refused[name] {
                reasons.append(reason)
            } else if let reason = try executor.rejection({ try bind(one).bind(id).run() }) {
                try requireTransaction(name, reason)
                reasons.append(reason)
            }
        }
        guard let reason = reasons.first else { return }
        let event = StoreEvent.rejected(what: "\(reasons.count) row(s) of \(table)", reason: reason)
        store.events.withLock { $0.append(event) }
    }

    // A trigger with RAISE(ROLLBACK) rolls back the whole transaction, which then runs again without this write.
    private func requireTransaction(_ name: String, _ reason: String) throws {
        guard !executor.database.isInsideTransaction else { return }
        store.connection.refused[name] = reason
        throw StoreError.rejected(store.path, reason)
    }
}
