import Foundation
import GRDB
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// Transactions while the disk or the files fail.
struct DiskFaultTests {
    private let folder: TemporaryFolder
    private let path: String
    private let store: SQLiteStore

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
        store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
    }

    private func set(_ pragma: String) throws {
        try store.database.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA \(pragma)") }
    }

    private func insert(_ rows: Int) throws(StoreError) {
        try store.write { tx throws(StoreError) in
            for number in 1...rows {
                _ = try tx.enqueue(NewRefund(columns: [(name: .merchantOrderNo, value: "R-\(number)")]))
            }
        }
    }

    private func count() throws -> Int {
        Int(try store.texts("SELECT count(*) FROM refund_queue")[0]) ?? -1
    }

    @Test func transactionThatFindsNoRoomLeavesNothingAndCanBeTriedAgain() throws {
        try set("max_page_count = 1")
        let error = try #require(throws: StoreError.self) { try insert(1_000) }
        #expect(error.kind == .full)
        #expect(error.description.contains("free some space"))
        #expect(!error.isFatal)
        #expect(try count() == 0)
        try set("max_page_count = 100000")
        try insert(1_000)
        #expect(try count() == 1_000)
    }

    @Test func fileThatCannotBeWrittenIsReported() throws {
        try set("query_only = 1")
        let error = try #require(throws: StoreError.self) { try insert(1) }
        #expect(error.kind == .readOnly)
        #expect(!error.isFatal)
        try set("query_only = 0")
        try insert(1)
    }

    @Test(arguments: ["", "-wal", "-shm"])
    func commitToAFileThatIsGoneIsNoCommit(suffix: String) throws {
        try insert(1)
        _ = try store.hasForeignCommits()
        try FileManager.default.removeItem(atPath: path + suffix)
        for isLook in [true, false] {
            let error = try #require(throws: StoreError.self) {
                if isLook { _ = try store.hasForeignCommits() } else { try store.execute() }
            }
            #expect(error.kind == .lost)
            #expect(error.location == path + suffix)
            #expect(error.isFatal)
        }
    }

    @Test(arguments: ["", "-wal", "-shm"])
    func commitToAFileThatGoesDuringTheTransactionIsNoCommit(suffix: String) throws {
        try insert(1)
        var request = CycleRequest(now: now)
        request.mustWrite = true
        let error = try #require(throws: StoreError.self) {
            _ = try store.cycle(request) { _ in
                try? FileManager.default.removeItem(atPath: path + suffix)
                return []
            }
        }
        #expect(error.kind == .lost)
        #expect(error.location == path + suffix)
    }

    @Test func fileThatAnotherTookTheNameOfIsLost() throws {
        let other = folder.path("other.db")
        try SQLiteStore(path: other, access: .readWrite).migrate(at: now)
        try #require(unsafe rename(other, path) == 0)
        #expect(throws: StoreError.self) { try store.execute() }
    }

    @Test func linkThatIsTurnedElsewhereIsALostDatabase() throws {
        let link = folder.path("link.db")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let linked = try SQLiteStore(path: link, access: .existing)
        try linked.execute()
        let other = folder.path("other.db")
        try SQLiteStore(path: other, access: .readWrite).migrate(at: now)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other)
        #expect(throws: StoreError.self) { try linked.execute() }
    }

    @Test func damagedPageIsBeyondRetrying() throws {
        try insert(500)
        let page = Int(try store.texts("SELECT rootpage FROM sqlite_master WHERE name = 'refund_queue_due'")[0])
        store.close()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64((page ?? 0) - 1) * 4_096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try file.close()
        let damaged = try SQLiteStore(path: path, access: .existing)
        let error = try #require(throws: StoreError.self) {
            try damaged.texts(
                "SELECT gateway FROM refund_queue INDEXED BY refund_queue_due "
                    + "WHERE state IN ('pending', 'processing') AND leased_until IS NULL"
            )
        }
        #expect(error.kind == .damaged)
        #expect(error.isFatal)
        #expect(try !damaged.read { tx throws(StoreError) in try tx.integrity(limit: 10) }.damage.isEmpty)
    }

    @Test func logIsCutToItsLimitOnceItIsEmptied() throws {
        let limit = try store.database.writeWithoutTransaction { db in
            try Int64.fetchOne(db, sql: "PRAGMA journal_size_limit")
        }
        #expect(limit == WALMonitor.limit)
    }
}
