import GRDB

extension StoreTransaction {
    /// What SQLite finds wrong with the file: pages, indexes and rows that do not fit together.
    ///
    /// Source: <https://www.sqlite.org/pragma.html#pragma_integrity_check>.
    ///
    /// - Parameter limit: The most findings to return.
    /// - Returns: The findings; none for a file that is whole.
    /// - Throws: What SQLite says when it cannot read the file at all.
    package func damages(limit: Int) throws -> [String] {
        var findings: [String] = []
        do {
            let rows = try String.fetchCursor(db, sql: "PRAGMA integrity_check(\(limit))")
            while let finding = try rows.next() { findings.append(finding) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            // SQLite may end the check of a damaged file with an error, whether it has said what it found or not.
            if findings.isEmpty { findings.append(error.message ?? "\(error.resultCode)") }
        }
        return findings == ["ok"] ? [] : findings
    }

    /// The guards, indexes and views of the queue that are missing, or are not as refundd makes them.
    ///
    /// Others may stand beside them: an application may watch the queue with a trigger of its own.
    ///
    /// - Returns: A sentence each.
    /// - Throws: What SQLite says when it refuses.
    package func schemaProblems() throws -> [String] {
        let wanted = try DatabaseQueue().write { db in
            for sql in Migration.all.flatMap(\.sql) { try db.execute(sql: sql) }
            return try Self.schema(db)
        }
        let found = try Self.schema(db)
        return wanted.keys.sorted().compactMap { name in
            guard let sql = found[name] else { return "\(name) is missing; somebody dropped it" }
            return sql == wanted[name] ? nil : "\(name) is not as refundd made it; somebody changed it"
        }
    }

    private static func schema(_ db: Database) throws -> [String: String] {
        // A table's columns may be added to; what does not fit in its rows shows elsewhere.
        let sql = """
            SELECT type || ' ' || name, sql FROM sqlite_master
            WHERE type <> 'table' AND name GLOB 'refund_*' AND sql IS NOT NULL
            """
        let pairs = try Row.fetchAll(db, sql: sql).map { ($0.text(0) ?? "", $0.text(1) ?? "") }
        return Dictionary(pairs) { first, _ in first }
    }
}
