import GRDB
import RefundStore

/// Compares the guards, indexes and views of a database with those of refundd's schema, and restores them.
///
/// A tool that rebuilds a table drops its triggers and indexes. Other objects are left alone: an application may watch
/// the queue with a trigger of its own.
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
        let found = try Self.objects(database)
        return try Self.wanted().sorted { ($0.type, $0.name) < ($1.type, $1.name) }.compactMap { object in
            guard let other = found.first(where: { ($0.type, $0.name) == (object.type, object.name) }) else {
                return "\(object.type) \(object.name) is missing; somebody dropped it"
            }
            return other.sql == object.sql
                ? nil : "\(object.type) \(object.name) is not as refundd made it; somebody changed it"
        }
    }

    /// Restores the objects that differ, in a write transaction.
    ///
    /// - Returns: The restored objects, and those that could not be restored.
    func run() throws -> [StoreEvent] {
        guard try !problems().isEmpty else { return [] }
        var (restored, broken): ([String], [StoreEvent]) = ([], [])
        for object in try Self.wanted() {
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
                broken.append(.schemaBroken(name: object.name, reason: error.message ?? "\(error.resultCode)"))
            }
        }
        if restored.contains(where: { $0.hasSuffix("counted") }) { try recount() }
        return (restored.isEmpty ? [] : [.schemaRestored(restored)]) + broken
    }

    private func recount() throws {
        for table in ["refund_queue", "refund_outbox"] {
            try database.execute(
                sql: """
                    UPDATE refund_counts SET number = (SELECT count(*) FROM \(table) t WHERE t.state = refund_counts.state)
                    WHERE counted = '\(table)'
                    """
            )
        }
    }

    // In the order of the migrations: a view before its triggers.
    private static func wanted() throws -> [Object] {
        try DatabaseQueue().write { db in
            for sql in [Migration.table] + Migration.all.flatMap(\.sql) { try db.execute(sql: sql) }
            return try objects(db)
        }
    }

    // Tables are not compared, since columns may be added to them; other checks cover their rows.
    private static func objects(_ db: Database) throws -> [Object] {
        let sql = """
            SELECT type, name, sql FROM sqlite_master
            WHERE type <> 'table' AND name GLOB 'refund_*' AND sql IS NOT NULL ORDER BY rowid
            """
        return try Row.fetchAll(db, sql: sql).map { Object(type: $0[0], name: $0[1], sql: $0[2]) }
    }

    /// An application's own objects that SQLite runs on writes to refundd's tables.
    static func foreignObjects(_ db: Database) throws -> [Object] {
        let sql = """
            SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') AND sql IS NOT NULL
            AND tbl_name GLOB 'refund_*' AND name NOT GLOB 'refund_*' ORDER BY name
            """
        return try Row.fetchAll(db, sql: sql).map { Object(type: $0[0], name: $0[1], sql: $0[2]) }
    }
}
