import Foundation
import GRDB
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

@testable import RefundStoreSQLite

/// The check of a database that belongs to an application as well.
struct IntegrityTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        for number in 1...200 { try database.enqueue("R-\(number)") }
    }

    private func integrity() throws -> Integrity {
        try database.store.read { tx throws(StoreError) in try tx.integrity(limit: 10) }
    }

    /// Runs SQL on a connection that has a function and a collation that refundd does not have.
    private func executeAsAnApplication(_ sql: String) throws {
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { db in
            db.add(function: DatabaseFunction("tidy", argumentCount: 1, pure: true) { values in values[0] })
            db.add(collation: DatabaseCollation("nordic") { first, second in first.compare(second) })
        }
        let queue = try DatabaseQueue(path: database.path, configuration: configuration)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    @Test(arguments: [
        "CREATE INDEX orders_tidy ON orders (tidy(name))",
        "CREATE INDEX orders_nordic ON orders (name COLLATE nordic)",
        "CREATE TABLE invoices (name TEXT CHECK (tidy(name) = name)); INSERT INTO invoices VALUES ('a')",
        "CREATE TABLE invoices (name TEXT, tidied TEXT AS (tidy(name)) NOT NULL); INSERT INTO invoices VALUES ('a')",
    ])
    func whatOnlyTheApplicationCanCheckIsNoDamage(sql: String) throws {
        try executeAsAnApplication("CREATE TABLE orders (name TEXT); INSERT INTO orders VALUES ('a'), ('b'); \(sql)")
        #expect(try integrity().damage == [])
    }

    @Test func tableThatCannotBeCheckedIsNoted() throws {
        try executeAsAnApplication("CREATE TABLE orders (name TEXT COLLATE nordic UNIQUE)")
        let notes = try integrity().notes
        #expect(notes.count == 1)
        #expect(notes.first?.contains("table orders cannot be checked: no such collation") == true, "\(notes)")
    }

    @Test func rowsThatBreakTheApplicationsOwnRulesAreNoted() throws {
        try database.execute(
            """
            CREATE TABLE orders (name TEXT);
            INSERT INTO orders VALUES (NULL);
            PRAGMA writable_schema = ON;
            UPDATE sqlite_master SET sql = 'CREATE TABLE orders (name TEXT NOT NULL)' WHERE name = 'orders';
            PRAGMA writable_schema = RESET
            """
        )
        #expect(try integrity().damage == [])
        #expect(try integrity().notes == ["NULL value in orders.name"])
    }

    @Test(arguments: [
        ("malformed inverted index for FTS5 table main.search", true),
        ("unable to validate the inverted index for FTS5 table main.search: no such tokenizer: shop", true),
        ("In RTree main.places:\nCell 0 on node 1 is corrupt relative to parent", true),
        ("row 7 missing from index orders_name", true),
        ("*** in database main ***\nTree 5 page 6: btreeInitPage() returns error code 11", false),
        ("Page 9: never used", false), ("Freelist: size is 2 but should be 3", false),
    ])
    func findingsOfNewerVersionsAboutTheApplicationsIndexesAreNoDamage(finding: String, isAboutRows: Bool) {
        #expect(IntegrityCheck.isAboutRows(finding) == isAboutRows)
    }

    @Test(arguments: ["refund_queue", "refund_queue_due", "orders"])
    func damagedPageIsFound(object: String) throws {
        try database.execute(
            """
            CREATE TABLE orders (name TEXT);
            INSERT INTO orders SELECT merchant_order_no FROM refund_queue;
            """
        )
        let page = try database.number("SELECT rootpage FROM sqlite_master WHERE name = '\(object)'")
        database.sqlite.close()
        try database.application.close()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: database.path))
        try file.seek(toOffset: UInt64(page - 1) * 4_096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try file.close()
        let damaged = try SQLiteStore(path: database.path, access: .existing)
        #expect(try !damaged.read { tx throws(StoreError) in try tx.integrity(limit: 10) }.damage.isEmpty)
        let lock = try DaemonLock.taken(database.path)
        lock.markSuspect(because: "a test")
        let error = #expect(throws: StoreError.self) { try lock.regainTrust(in: damaged) }
        #expect(error?.kind == .damaged)
        #expect(lock.isSuspect)
    }

    @Test func indexThatDisagreesWithItsTableIsFound() throws {
        // Whoever edits the schema makes SQLite forget that an index exists, and so to maintain it.
        try database.execute(
            """
            PRAGMA writable_schema = ON;
            CREATE TABLE hidden (sql TEXT, rootpage INTEGER);
            INSERT INTO hidden SELECT sql, rootpage FROM sqlite_master WHERE name = 'refund_queue_by_order';
            DELETE FROM sqlite_master WHERE name = 'refund_queue_by_order';
            PRAGMA writable_schema = RESET;
            """
        )
        try database.enqueue("R-hidden")
        try database.execute(
            """
            PRAGMA writable_schema = ON;
            INSERT INTO sqlite_master SELECT 'index', 'refund_queue_by_order', 'refund_queue', rootpage, sql FROM hidden;
            PRAGMA writable_schema = RESET;
            """
        )
        #expect(try integrity().damage.contains { $0.contains("missing from index refund_queue_by_order") })
    }

    @Test func checkCanBeInterrupted() throws {
        let sqlite = database.sqlite
        sqlite.database.inDatabase { db in
            db.trace { event in if event.description.contains("quick_check") { sqlite.interrupt() } }
        }
        let error = #expect(throws: StoreError.self) { try integrity() }
        #expect(error?.kind == .failed)
        sqlite.database.inDatabase { db in db.trace(options: []) }
        #expect(try integrity() == Integrity())
    }
}
