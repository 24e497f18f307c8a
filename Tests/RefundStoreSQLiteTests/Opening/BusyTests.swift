import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// Each of these waits the whole busy timeout once.
struct BusyTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func expectHeld(by holder: Holder, _ body: () throws -> Void) throws {
        let error = try #require(throws: StoreError.self) { try body() }
        #expect(error.kind == .busy)
        #expect(error.reason.contains("(process \(holder.pid), user "), "\(error.reason)")
        #expect(error.description.contains("held by python"))
    }

    @Test func programThatKeepsWritingIsNamed() throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        let holder = try Holder(
            """
            import sqlite3
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("BEGIN IMMEDIATE")
            """,
            path
        )
        try expectHeld(by: holder) { try store.execute() }
        #expect(try store.texts("SELECT id FROM refund_queue") == [], "reading goes on")
        holder.letGo()
        try store.execute()
    }

    @Test(arguments: [StoreAccess.readWrite, .existing])
    func programThatKeepsTheFileFromItsJournalModeIsNamed(access: StoreAccess) throws {
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "CREATE TABLE orders (id INTEGER)") }
        let holder = try Holder(
            """
            import sqlite3
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("BEGIN")
            db.execute("SELECT * FROM orders").fetchall()
            """,
            path
        )
        try expectHeld(by: holder) { _ = try SQLiteStore(path: path, access: access) }
        holder.letGo()
        _ = try SQLiteStore(path: path, access: access)
    }

    @Test func writersTakeTurns() throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        let failures = concurrently(5) { [path] writer in
            if writer == 0 {
                for _ in 0..<100 {
                    try store.execute("UPDATE refund_queue SET leased_until = 1 WHERE leased_until IS NULL")
                }
            } else {
                var configuration = GRDB.Configuration()
                configuration.busyMode = .timeout(5)
                let queue = try DatabaseQueue(path: path, configuration: configuration)
                for number in 0..<25 {
                    try queue.writeWithoutTransaction { db in
                        try db.inTransaction(.immediate) {
                            try db.execute(
                                sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-\(writer)-\(number)')"
                            )
                            return .commit
                        }
                    }
                }
            }
        }
        #expect(failures.isEmpty, "\(failures)")
        #expect(try store.texts("SELECT count(*) FROM refund_queue") == ["100"])
    }
}
