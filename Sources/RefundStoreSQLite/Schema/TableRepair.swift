import GRDB
import RefundCore
import RefundStore

/// Compares refundd's tables with those of its schema, and rebuilds a table that lost a key, a default or a constraint.
///
/// Columns may be added to a table. A table without one of its columns, or a missing table with a history in it, is
/// beyond repair.
struct TableRepair {
    /// A table's definition, as far as refundd relies on it.
    struct Table {
        let name: String
        let sql: String
        let columns: [Column]
        /// The columns of each unique constraint.
        let keys: Set<[String]>

        /// Whether the table never uses a number again.
        var isNumbered: Bool { has("AUTOINCREMENT") }

        private func has(_ word: String) -> Bool { sql.uppercased().contains(word) }

        /// Whether a table has everything that this one has.
        func isCovered(by other: Table) -> Bool {
            Set(columns).isSubset(of: other.columns) && keys.isSubset(of: other.keys)
                && ["AUTOINCREMENT", "CHECK"].allSatisfy { !has($0) || other.has($0) }
        }
    }

    /// A column's definition.
    struct Column: Hashable {
        let name: String
        let type: String
        let isRequired: Bool
        let value: String?
        let key: Int
    }

    /// The tables whose rows `refund_counts` counts, with their states.
    static let counted: [(table: String, states: [String])] = [
        ("refund_queue", RefundState.allCases.map(\.rawValue)),
        ("refund_outbox", WebhookState.allCases.map(\.rawValue)),
    ]
    // Tables that refundd fills again by itself, or whose loss its log reports.
    private static let restorable: Set = [
        "refund_replaced", "refund_hints", "refund_gateways", "refund_incidents", "refund_endpoints", "refund_breakers",
        "refund_counts", "refund_pauses", "refund_heartbeat",
    ]

    private let database: Database

    /// Creates a comparison within a transaction.
    init(_ database: Database) {
        self.database = database
    }

    /// Reads refundd's tables.
    func tables() throws -> [Table] {
        let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name GLOB 'refund_*' ORDER BY rowid"
        return try Row.fetchAll(database, sql: sql).map { row in
            let name: String = row[0]
            let info = "SELECT name, upper(type), \"notnull\", dflt_value, pk FROM pragma_table_info(?)"
            let columns = try Row.fetchAll(database, sql: info, arguments: [name]).map { row in
                Column(name: row[0], type: row[1], isRequired: row[2], value: row[3], key: row[4])
            }
            let list = "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND origin <> 'c'"
            let keys = try String.fetchAll(database, sql: list, arguments: [name]).map { index in
                try String.fetchAll(database, sql: "SELECT name FROM pragma_index_info(?)", arguments: [index])
            }
            return Table(name: name, sql: row[1], columns: columns, keys: Set(keys))
        }
    }

    /// The differences from the wanted tables, in words.
    func problems(_ wanted: [Table]) throws -> [String] {
        let obstacles = try obstacles(wanted)
        let found = try tables()
        let others = wanted.compactMap { table -> String? in
            if obstacles.contains(where: { $0.name == table.name }) { return nil }
            guard let other = found.first(where: { $0.name == table.name }) else {
                return "table \(table.name) is missing; somebody dropped it"
            }
            return table.isCovered(by: other)
                ? nil : "table \(table.name) lacks keys or defaults that refundd gave it; somebody rebuilt it"
        }
        return obstacles.map { "table \($0.name) \($0.reason)" } + others
    }

    /// The tables that cannot be restored, with the reason.
    ///
    /// While there are any, nothing else is restored: a tool may be at work, or somebody may undo the change.
    func obstacles(_ wanted: [Table]) throws -> [(name: String, reason: String)] {
        let found = try tables()
        return wanted.compactMap { table in
            guard let other = found.first(where: { $0.name == table.name }) else {
                return Self.restorable.contains(table.name)
                    ? nil : (table.name, "is missing; somebody dropped or renamed it")
            }
            let missing = Set(table.columns.map(\.name)).subtracting(other.columns.map(\.name)).sorted()
            return missing.isEmpty
                ? nil
                : (table.name, "has no column \(missing.joined(separator: ", ")); somebody dropped or renamed it")
        }
    }

    /// Restores the tables that differ, in a write transaction without obstacles.
    ///
    /// - Returns: The restored tables, and those that could not be restored.
    func run(_ wanted: [Table]) throws -> (restored: [String], broken: [StoreEvent]) {
        var (restored, broken): ([String], [StoreEvent]) = ([], [])
        let found = try tables()
        for table in wanted {
            let other = found.first { $0.name == table.name }
            if let other, table.isCovered(by: other) { continue }
            do {
                try database.inSavepoint {
                    if let other { try rebuild(other, as: table) } else { try database.execute(sql: table.sql) }
                    return .commit
                }
                restored.append(table.name)
            } catch let error as DatabaseError where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) {
                broken.append(.schemaBroken(name: table.name, reason: error.message ?? "\(error.resultCode)"))
            }
        }
        return (restored, broken)
    }

    // Renaming a table would change the views that read it, so the rows wait in a temporary table.
    private func rebuild(_ found: Table, as wanted: Table) throws {
        let name = wanted.name
        let foreign = try SchemaRepair.foreignObjects(database, of: name)
        let number = try Int64.fetchOne(
            database,
            sql: "SELECT max(seq) FROM sqlite_sequence WHERE name = ?",
            arguments: [name]
        )
        let own = Set(wanted.columns.map(\.name))
        let added = found.columns.filter { !own.contains($0.name) }
        try database.execute(sql: "CREATE TEMP TABLE refund_rebuilt AS SELECT * FROM main.\(name)")
        try database.execute(sql: "DROP TABLE main.\(name)")
        try database.execute(sql: wanted.sql)
        for column in added {
            try database.execute(
                sql: "ALTER TABLE \(name) ADD COLUMN \(column.name.quotedDatabaseIdentifier) \(column.type)"
            )
        }
        let names = found.columns.map(\.name.quotedDatabaseIdentifier)
        let values = names.map { name in
            let value = wanted.columns.first { $0.name.quotedDatabaseIdentifier == name }?.value
            // A final refund has no next query.
            guard let value, name != "\"next_query_at\"" else { return name }
            return "ifnull(\(name), \(value))"
        }
        try database.execute(
            sql: """
                INSERT INTO main.\(name) (\(names.joined(separator: ", ")))
                SELECT \(values.joined(separator: ", ")) FROM temp.refund_rebuilt ORDER BY rowid
                """
        )
        try database.execute(sql: "DROP TABLE temp.refund_rebuilt")
        if wanted.isNumbered, let number {
            try database.execute(sql: "DELETE FROM sqlite_sequence WHERE name = ?", arguments: [name])
            let sql =
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, max(?2, ifnull(max(rowid), 0)) FROM main.\(name)"
            try database.execute(sql: sql, arguments: [name, number])
        }
        for object in foreign { try? database.execute(sql: object.sql) }
    }
}
