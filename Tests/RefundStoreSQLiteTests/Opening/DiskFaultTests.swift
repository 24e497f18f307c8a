import Foundation
import GRDB
import Testing

@testable import RefundStoreSQLite

/// What becomes of a transaction when the disk or the files fail it.
struct DiskFaultTests {
    private let folder: Folder
    private let path: String
    private let store: RefundStore

    init() throws {
        folder = try Folder()
        path = folder.path + "/refunds.db"
        store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: now)
    }

    private func set(_ pragma: String) throws {
        try store.database.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA \(pragma)") }
    }

    private func insert(_ rows: Int) throws {
        try store.transaction { tx in
            for number in 1...rows {
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-\(number)')", [])
            }
        }
    }

    private func count() throws -> Int64? {
        try store.read { tx in try tx.number("SELECT count(*) FROM refund_queue", []) }
    }

    @Test func transactionThatFindsNoRoomLeavesNothingAndCanBeTriedAgain() throws {
        try set("max_page_count = 1")
        let error = try #require(throws: StoreError.self) { try insert(1_000) }
        guard case .full(path) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.description.contains("make room"))
        #expect(!error.isBeyondRetrying)
        #expect(try count() == 0)
        try set("max_page_count = 100000")
        try insert(1_000)
        #expect(try count() == 1_000)
    }

    @Test func fileThatCannotBeWrittenIsSaid() throws {
        try set("query_only = 1")
        let error = try #require(throws: StoreError.self) { try insert(1) }
        guard case .readOnly(path) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(!error.isBeyondRetrying)
        try set("query_only = 0")
        try insert(1)
    }

    @Test(arguments: ["", "-wal", "-shm"])
    func commitToAFileThatIsGoneIsNoCommit(suffix: String) throws {
        try insert(1)
        _ = try store.dataVersion()
        try FileManager.default.removeItem(atPath: path + suffix)
        for isLook in [true, false] {
            let error = try #require(throws: StoreError.self) {
                if isLook { _ = try store.dataVersion() } else { try store.transaction { _ in } }
            }
            guard case .lost(let lost) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(lost == path + suffix)
            #expect(error.isBeyondRetrying)
        }
    }

    @Test func fileThatAnotherTookTheNameOfIsLost() throws {
        let other = folder.path + "/other.db"
        try RefundStore(path: other, access: .readWrite).migrate(at: now)
        try #require(unsafe rename(other, path) == 0)
        #expect(throws: StoreError.self) { try store.transaction { _ in } }
    }

    @Test func linkThatIsTurnedElsewhereIsALostDatabase() throws {
        let link = folder.path + "/link.db"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        let linked = try RefundStore(path: link, access: .existing)
        try linked.transaction { _ in }
        let other = folder.path + "/other.db"
        try RefundStore(path: other, access: .readWrite).migrate(at: now)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other)
        #expect(throws: StoreError.self) { try linked.transaction { _ in } }
    }

    @Test func damagedPageIsBeyondRetrying() throws {
        try insert(500)
        let page = try store.read { tx in
            try tx.number("SELECT rootpage FROM sqlite_master WHERE name = 'refund_queue_due'", [])
        }
        store.close()
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64((page ?? 0) - 1) * 4_096)
        try file.write(contentsOf: Data(repeating: 0xA5, count: 4_096))
        try file.close()
        let damaged = try RefundStore(path: path, access: .existing)
        let error = try #require(throws: StoreError.self) { _ = try damaged.read { try $0.gatewaysInQueue() } }
        guard case .damaged(path, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.isBeyondRetrying)
        let damages = try damaged.read { tx in try tx.damages(limit: 10) }
        #expect(!damages.isEmpty)
    }

    @Test func logIsCutToItsLimitOnceItIsEmptied() throws {
        let limit = try store.database.writeWithoutTransaction { db in
            try Int64.fetchOne(db, sql: "PRAGMA journal_size_limit")
        }
        #expect(limit == RefundStore.walLimit)
    }
}
