import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import RefundTestSupport
import Testing

struct SchemaTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
    }

    private func sql() throws -> [String] {
        try database.column("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name LIKE 'refund%'").compactMap(
            \.self
        )
    }

    @Test func everythingIsNamedRefund() throws {
        let names = try database.column(
            "SELECT name FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'sqlite_sequence'"
        )
        #expect(names.count > 20)
        #expect(names.allSatisfy { $0?.hasPrefix("refund_") == true })
    }

    /// SQLite 3.26 knows these; all that came later, such as `unixepoch` or `iif`, is not among them.
    static let oldFunctions: Set<String> = [
        "ifnull", "length", "typeof", "lower", "json_valid", "json_type", "julianday", "max", "instr",
        "trim", "replace", "char", "count", "json_each", "json_tree", "group_concat",
    ]
    private static let oldWords: Set<String> = [
        "and", "or", "not", "in", "when", "cast", "raise", "exists", "values", "as", "check", "where", "unique", "key",
        "select", "then", "else", "is", "default", "case", "on", "from", "of", "insert",
    ]

    @Test func schemaCallsOnlyFunctionsThatAnOldSQLiteHas() throws {
        for statement in try sql() {
            // Messages and patterns are no code, and the name of a table is followed by its columns.
            var code = statement.replacing(/'(?:[^']|'')*'/, with: "''").lowercased()
            code.replace(/(?:table|index|on|into|references)\s+(?:refund_\w+\s+on\s+)?refund_\w+\s*\(/, with: "")
            for match in code.matches(of: /([a-z_]+)\s*\(/) {
                let name = String(match.1)
                #expect(Self.oldFunctions.contains(name) || Self.oldWords.contains(name), "\(name) in \(statement)")
            }
        }
    }

    private static let newSyntax = [
        #"\)\s*strict\b"#, #"\bgenerated\b"#, #"\breturning\b"#, #"->"#, #"\bover\b"#, #"\bfilter\b"#, #"\bwith\b"#,
        #"\bnulls\b"#, #"\bis\s+(?:not\s+)?distinct\b"#, #"\bmaterialized\b"#, #"\bright\s+join\b"#,
        #"\bfull\s+join\b"#,
        #"\btrue\b"#, #"\bfalse\b"#, #"\bon\s+conflict\b"#, #"\bindexed\s+by\b"#, #"\bstored\b"#, #"0x"#, #"\d_\d"#,
    ]

    @Test func schemaUsesNoSyntaxThatAnOldSQLiteLacks() throws {
        let code = try sql().map { $0.replacing(/'(?:[^']|'')*'/, with: "''").lowercased() }
        for pattern in Self.newSyntax {
            let regex = try Regex(pattern)
            for statement in code { #expect(statement.firstMatch(of: regex) == nil, "\(statement)") }
        }
    }

    @Test func everyRefusalIsATriggersAndNoConstraintOfTheQueue() throws {
        let table = try #require(try database.column("SELECT sql FROM sqlite_master WHERE name = 'refund_queue'")[0])
        #expect(!table.contains("NOT NULL"))
        #expect(!table.contains("CHECK"))
        for statement in try sql() where statement.contains("RAISE") {
            #expect(!statement.contains(/RAISE\s*\(\s*(?:ROLLBACK|FAIL)/))
            // Only what refundd writes again, and was written already, is ignored.
            #expect(
                !statement.contains("RAISE(IGNORE)") || statement.contains(/^CREATE TRIGGER refund_(event_log|outbox)/)
            )
            // Before SQLite 3.47 the message is a literal.
            #expect(!statement.contains(/RAISE\s*\(\s*ABORT\s*,\s*(?:[^'\s]|'(?:[^']|'')*'\s*\|)/))
        }
    }

    @Test(arguments: ["DatabaseQueue", "recursive_triggers"])
    func applicationsOwnDatabaseStaysItsOwn(kind: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path("shop.db")
        let application = try DatabaseQueue(path: path)
        try application.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA user_version = 7;
                    PRAGMA application_id = 1234;
                    PRAGMA auto_vacuum = FULL;
                    CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
                    CREATE TABLE grdb_migrations (identifier TEXT);
                    INSERT INTO orders (name) VALUES ('first');
                    """
            )
            if kind == "recursive_triggers" { try db.execute(sql: "PRAGMA recursive_triggers = ON") }
        }
        let store = try SQLiteStore(path: path, access: .readWrite)
        defer { store.close() }
        try store.migrate(at: now)
        try store.checkSchema()
        try application.writeWithoutTransaction { db in
            #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == 7)
            #expect(try Int.fetchOne(db, sql: "PRAGMA application_id") == 1234)
            #expect(try String.fetchAll(db, sql: "SELECT name FROM orders") == ["first"])
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM grdb_migrations") == 0)
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            // Both writes, or neither.
            try db.execute(sql: "BEGIN IMMEDIATE; INSERT INTO orders (name) VALUES ('second');")
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1'); ROLLBACK;")
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM refund_queue") == 0)
            try db.execute(sql: "BEGIN IMMEDIATE; INSERT INTO orders (name) VALUES ('second');")
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1'); COMMIT;")
            #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM refund_queue") == 1)
            // A refused refund takes back its own statement; the rest is for the application to decide.
            try db.execute(sql: "BEGIN IMMEDIATE; INSERT INTO orders (name) VALUES ('third');")
            #expect(throws: DatabaseError.self) {
                try db.execute(sql: "INSERT OR IGNORE INTO refund_queue (merchant_order_no) VALUES ('no blank')")
            }
            try db.execute(sql: "ROLLBACK")
            #expect(try String.fetchAll(db, sql: "SELECT name FROM orders") == ["first", "second"])
        }
        try application.close()
    }

    @Test func insertDoesNotDisturbTheApplicationsOwnCounters() throws {
        try database.application.write { db in
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no, trans_no) VALUES ('R-1', 'T-1')")
            #expect(db.changesCount == 1)
            #expect(db.lastInsertedRowID == 1)
            try db.execute(
                sql: "INSERT OR IGNORE INTO refund_queue (merchant_order_no, trans_no) VALUES ('R-1', 'T-1')"
            )
            #expect(db.changesCount == 0)
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2'), ('R-3')")
            #expect(db.changesCount == 2)
        }
    }
}
