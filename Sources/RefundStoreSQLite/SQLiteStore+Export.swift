import GRDB
package import RefundStore

extension SQLiteStore: QueueExporter {
    package func rows(of table: QueueTable, after key: Int64?, limit: Int) throws(StoreError) -> ExportedRows {
        let members = table.columns.map { column in
            // Without this condition, null would be the text of no bytes.
            let bytes = "CASE WHEN \(column) IS NOT NULL THEN '\\x' || hex(\(column)) END"
            // PostgreSQL has no U+0000; what holds one is a text that refundd shortened for display.
            let value = table.byteColumns.contains(column) ? bytes : Self.withoutNUL(column)
            return "'\(column)', \(value)"
        }
        let order = table.key ?? "rowid"
        let sql = """
            SELECT json_group_array(json_object(\(members.joined(separator: ", ")))), max(\(order)) FROM (
                SELECT * FROM \(table.name) WHERE \(order) > ? ORDER BY \(order) LIMIT ?
            )
            """
        return try transaction(.deferred) { db in
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [key ?? .min, table.key == nil ? -1 : limit])
            else { return ExportedRows(json: "[]", last: nil) }
            return ExportedRows(json: row[0], last: row[1])
        }
    }

    // A column without type affinity for text is left alone.
    private static func withoutNUL(_ column: String) -> String {
        "CASE WHEN typeof(\(column)) = 'text' AND instr(\(column), char(0)) > 0"
            + " THEN replace(\(column), char(0), char(65533)) ELSE \(column) END"
    }

    package func highestKey(of table: QueueTable) throws(StoreError) -> Int64 {
        guard let key = table.key else { return 0 }
        return try transaction(.deferred) { db in
            let stored = try Int64.fetchOne(db, sql: "SELECT max(\(key)) FROM \(table.name)") ?? 0
            let used = "SELECT max(seq) FROM sqlite_sequence WHERE name = ?"
            return max(stored, try Int64.fetchOne(db, sql: used, arguments: [table.name]) ?? 0)
        }
    }
}
