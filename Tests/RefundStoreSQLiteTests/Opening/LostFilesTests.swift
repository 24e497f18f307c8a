import Foundation
import GRDB
import Glibc
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// What becomes of the rows in a log that somebody deleted while the daemon used it.
struct LostFilesTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func open() throws -> SQLiteStore {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        // What came before is in the file, and R-1 in the log alone.
        _ = try store.database.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
        try store.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        _ = try store.hasForeignCommits()
        return store
    }

    // Another process: within this one, SQLite shares what it knows of a database among all its connections.
    private func insertAsAnApplication() throws {
        let program = """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            for number in range(400):
                db.execute("INSERT INTO refund_queue (merchant_order_no) VALUES (?)", (f"A-{number}",))
            """
        let result = try Command.run(["python3", "-c", program, path])
        try #require(result.status == 0, "\(result.errors)")
    }

    private func count(_ path: String, _ pattern: String) throws -> String {
        let sql = "SELECT count(*) FROM refund_queue WHERE merchant_order_no GLOB '\(pattern)'"
        return try Command.run(["sqlite3", path, sql]).output.trimmingCharacters(in: .newlines)
    }

    // With the log alone deleted, applications cannot read or write until refundd has gone.
    @Test(arguments: [["-shm"], ["-wal", "-shm"]], [true, false])
    func closingOverwritesNothingOnceALogIsDeleted(suffixes: [String], isNoticedBefore: Bool) throws {
        let store = try open()
        for suffix in suffixes { try FileManager.default.removeItem(atPath: path + suffix) }
        try insertAsAnApplication()
        if isNoticedBefore {
            let error = try #require(throws: StoreError.self) { try store.hasForeignCommits() }
            #expect(error.kind == .lost)
            #expect(error.description.contains("only this process could still read was saved to"))
            #expect(throws: error) { try store.execute() }
        }
        store.close()
        #expect(try count(path, "A-*") == "400")
        let rescued = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.contains("rescued") }
        )
        #expect(try count(folder.path(rescued), "R-1") == "1")
    }

    @Test func commandThatOnlyReadsCopiesNothing() throws {
        let daemon = try open()
        let store = try SQLiteStore(path: path, access: .existing)
        _ = try store.texts("SELECT id FROM refund_queue")
        try FileManager.default.removeItem(atPath: path + "-wal")
        store.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.contains("rescued") })
        daemon.close()
    }

    @Test func databaseThatIsHiddenIsNotLostAndIsWrittenAgainOnceItIsSeen() throws {
        // Root may enter any folder, but nobody gets past a link to itself.
        let shop = folder.path("shop")
        try FileManager.default.createDirectory(atPath: shop, withIntermediateDirectories: false)
        let store = try SQLiteStore(path: shop + "/refunds.db", access: .readWrite)
        try store.migrate(at: now)
        try #require(unsafe rename(shop, shop + "-aside") == 0 && symlink(shop, shop) == 0)
        for use in [{ try store.execute() }, { _ = try store.hasForeignCommits() }] {
            let error = try #require(throws: StoreError.self, performing: use)
            #expect(!error.isFatal)
            #expect(error.description.contains("cannot be looked up any more: Too many levels of symbolic links"))
            #expect(error.description.contains("so restore nothing; run: sudo refundd doctor"))
        }
        try #require(unsafe unlink(shop) == 0 && rename(shop + "-aside", shop) == 0)
        try store.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        #expect(try FileManager.default.contentsOfDirectory(atPath: shop).allSatisfy { !$0.contains("rescued") })
    }

    @Test func commitIsMadeEvenIfItsFilesAreHiddenMeanwhile() throws {
        let shop = folder.path("shop")
        try FileManager.default.createDirectory(atPath: shop, withIntermediateDirectories: false)
        let store = try SQLiteStore(path: shop + "/refunds.db", access: .readWrite)
        try store.migrate(at: now)
        try store.write { tx throws(StoreError) in
            _ = try tx.enqueue(NewRefund(columns: [(name: .merchantOrderNo, value: "R-1")]))
            _ = unsafe rename(shop, shop + "-aside")
            _ = unsafe symlink(shop, shop)
        }
        #expect(try count(shop + "-aside/refunds.db", "R-1") == "1")
    }

    @Test func folderThatMayNotBeEnteredIsNamedWithItsRemedy() {
        let obstacle = Finding(.problem, "database", "user refundd cannot enter /srv (mode 700)", run: "chmod o+x /srv")
        let error = StoreError.hidden("/srv/shop/shop.db", SystemError(code: EACCES), obstacle)
        let remedy = "the database is not known to be changed, so restore nothing; run: chmod o+x /srv"
        #expect(error.description == "\(obstacle.text); \(remedy)")
    }

    @Test func closedStoreMistakesItsOwnEndForNoLoss() throws {
        let store = try open()
        store.close()
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
        let uses: [() throws -> Void] = [
            { try store.execute() }, { _ = try store.hasForeignCommits() }, { _ = try store.texts("SELECT 1") },
        ]
        for use in uses {
            let error = try #require(throws: StoreError.self, performing: use)
            #expect(error.kind == .failed)
            #expect(!error.isFatal)
        }
        #expect(store.upkeep(at: now).isEmpty)
    }

    @Test func closingWhileOthersLookIsNoLoss() throws {
        for round in 0..<20 {
            let store = try SQLiteStore(path: folder.path("\(round).db"), access: .readWrite)
            try store.migrate(at: now)
            let failures = concurrently(3) { number in
                if number == 0 { return store.close() }
                do {
                    while true {
                        _ = try store.hasForeignCommits()
                        try store.execute()
                    }
                } catch let error as StoreError where !error.isFatal {}
            }
            #expect(failures.isEmpty, "\(failures)")
        }
    }
}
