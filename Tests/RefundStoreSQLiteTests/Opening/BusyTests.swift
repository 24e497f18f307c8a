import Foundation
import GRDB
import RefundCore
import Testing

@testable import RefundStoreSQLite

/// Each of these waits the whole busy timeout once.
struct BusyTests {
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder.path + "/refunds.db"
    }

    private func expectHeld(by holder: Holder, _ body: () throws -> Void) throws {
        let error = try #require(throws: StoreError.self) { try body() }
        guard case .busy(path, let holders) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(holders.count == 1)
        #expect(holders.first?.hasSuffix("(process \(holder.pid))") == true, "\(holders)")
        #expect(holders.first?.hasPrefix("python") == true, "\(holders)")
        #expect(error.description.contains("held by python"))
    }

    @Test func aProgramThatKeepsWritingIsNamed() throws {
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        let holder = try Holder(
            """
            import sqlite3
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("BEGIN IMMEDIATE")
            """,
            path
        )
        try expectHeld(by: holder) { try store.transaction { _ in } }
        #expect(try store.read { try $0.gatewaysInQueue() } == [], "reading goes on")
        holder.letGo()
        try store.transaction { _ in }
    }

    @Test(arguments: [RefundStore.Access.readWrite, .existing])
    func aProgramThatKeepsTheFileFromItsJournalModeIsNamed(access: RefundStore.Access) throws {
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
        try expectHeld(by: holder) { _ = try RefundStore(path: path, access: access) }
        holder.letGo()
        _ = try RefundStore(path: path, access: access)
    }

    @Test func writersTakeTurns() throws {
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        let failures = concurrently(5) { [path] writer in
            if writer == 0 {
                for _ in 0..<100 {
                    try store.transaction { tx in
                        for refund in try tx.due(gateway: "default", at: now, limit: 10) {
                            try tx.lease([refund.id], until: now)
                        }
                    }
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
        let count = try store.read { tx in try tx.number("SELECT count(*) FROM refund_queue", []) }
        #expect(count == 100)
    }
}
