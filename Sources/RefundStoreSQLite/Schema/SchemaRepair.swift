import GRDB
import RefundStore

/// Compares refundd's part of a database with its schema, and restores it.
///
/// A tool that rebuilds a table drops its triggers and indexes, and may drop its keys and defaults. Other objects are
/// left alone: an application may watch the queue with a trigger of its own.
struct SchemaRepair {
    /// A guard, index or view.
    struct Object {
        let type: String
        let name: String
        let sql: String
    }

    private let database: Database

    /// Creates a comparison within a transaction.
    init(_ database: Database) {
        self.database = database
    }

    /// The differences, in words.
    func problems() throws -> [String] {
        let wanted = try Wanted()
        let found = try Self.objects(database)
        let objects = wanted.objects.sorted { ($0.type, $0.name) < ($1.type, $1.name) }.compactMap { object in
            guard let other = found.first(where: { ($0.type, $0.name) == (object.type, object.name) }) else {
                return "\(object.type) \(object.name) is missing; somebody dropped it"
            }
            return other.sql == object.sql
                ? nil : "\(object.type) \(object.name) is not as refundd made it; somebody changed it"
        }
        return try TableRepair(database).problems(wanted.tables) + objects
    }

    /// The tables that are missing or lack a column, and cannot be restored; in words.
    func obstacles() throws -> [String] {
        try TableRepair(database).obstacles(Wanted().tables).map { "table \($0.name) \($0.reason)" }
    }

    /// Restores the tables and objects that differ, in a write transaction.
    ///
    /// - Parameter recounts: Whether to count again even if nothing differs.
    /// - Returns: The restored tables and objects, those that could not be restored, and rows that came in meanwhile
    ///   and cannot be served.
    /// - Throws: `DatabaseError` if the database fails.
    func run(recounts: Bool) throws -> [StoreEvent] {
        guard try !problems().isEmpty else {
            if try recounts || hasForeignTriggers() { try recount() }
            return []
        }
        let wanted = try Wanted()
        let obstacles = try TableRepair(database).obstacles(wanted.tables)
        guard obstacles.isEmpty else {
            return obstacles.map { .schemaBroken(name: $0.name, reason: "the table \($0.reason)") }
        }
        var (restored, broken) = try TableRepair(database).run(wanted.tables)
        let isUnguarded = try !Self.objects(database).contains { object in
            wanted.objects.contains { $0.name == Self.insertGuard && $0.name == object.name && $0.sql == object.sql }
        }
        let reset = isUnguarded ? try QueueRows(database).reset() : []
        for object in wanted.objects {
            // Dropping a view drops its triggers, so each object is looked up only when its turn comes.
            let sql = "SELECT sql FROM sqlite_master WHERE type = ? AND name = ?"
            let found = try String.fetchOne(database, sql: sql, arguments: [object.type, object.name])
            guard found != object.sql else { continue }
            do {
                try database.inSavepoint {
                    try database.execute(sql: "DROP \(object.type) IF EXISTS \(object.name)")
                    try database.execute(sql: object.sql)
                    return .commit
                }
                restored.append(object.name)
            } catch let error as DatabaseError where [.SQLITE_ERROR, .SQLITE_CONSTRAINT].contains(error.resultCode) {
                let message = error.message ?? "\(error.resultCode)"
                let duplicates = try QueueRows(database).duplicates(under: object.name)
                broken.append(.schemaBroken(name: object.name, reason: message + (duplicates.map { "; \($0)" } ?? "")))
            }
        }
        try recount()
        var events = restored.isEmpty ? broken : [.schemaRestored(restored)] + broken
        if isUnguarded {
            let unservable = try QueueRows(database).unservable(limit: Self.rowLimit)
            events += (reset.prefix(Self.rowLimit) + unservable).map(StoreEvent.unservable)
        }
        return events
    }

    private static let insertGuard = "refund_queue_insert"
    private static let rowLimit = 20

    // An application's trigger with RAISE(IGNORE) skips the triggers after it, such as those that count.
    private func hasForeignTriggers() throws -> Bool {
        let counted = TableRepair.counted.map(\.table)
        return try counted.contains { table in
            try Self.foreignObjects(database, of: table).contains { $0.type == "trigger" }
        }
    }

    /// Counts refunds and webhooks again, since rows may have come and gone past the triggers that count.
    private func recount() throws {
        for (table, states) in TableRepair.counted {
            for state in states {
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO refund_counts (counted, state, number)
                        SELECT ?1, ?2, (SELECT count(*) FROM \(table) WHERE state = ?2)
                        """,
                    arguments: [table, state]
                )
            }
        }
    }

    /// The schema as the migrations make it, with views before their triggers.
    private struct Wanted {
        let objects: [Object]
        let tables: [TableRepair.Table]

        init() throws {
            (objects, tables) = try DatabaseQueue().write { db in
                for sql in [Migration.table] + Migration.all.flatMap(\.sql) { try db.execute(sql: sql) }
                return (try SchemaRepair.objects(db), try TableRepair(db).tables())
            }
        }
    }

    private static func objects(_ db: Database) throws -> [Object] {
        let sql = """
            SELECT type, name, sql FROM sqlite_master
            WHERE type <> 'table' AND name GLOB 'refund_*' AND sql IS NOT NULL ORDER BY rowid
            """
        return try Row.fetchAll(db, sql: sql).map { Object(type: $0[0], name: $0[1], sql: $0[2]) }
    }

    /// An application's own objects that SQLite runs on writes to refundd's tables, or to one of them.
    static func foreignObjects(_ db: Database, of table: String? = nil) throws -> [Object] {
        let sql = """
            SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL
            AND tbl_name GLOB ifnull(?, 'refund_*') AND name NOT GLOB 'refund_*' ORDER BY name
            """
        var objects: [Object] = []
        // A trigger may have ended the transaction, and GRDB would refuse to read.
        try HotStatement(sql, db).bind(table).read { row in
            objects.append(Object(type: row.text() ?? "", name: row.text() ?? "", sql: row.text() ?? ""))
            return true
        }
        return objects
    }
}
