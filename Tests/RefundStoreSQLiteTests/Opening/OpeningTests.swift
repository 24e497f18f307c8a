import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

struct OpeningTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func initialised() throws -> SQLiteStore {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        return store
    }

    private func pragma(_ name: String, of store: SQLiteStore) throws -> String? {
        try store.database.inDatabase { db in try String.fetchOne(db, sql: "PRAGMA \(name)") }
    }

    @Test(arguments: [StoreAccess.readWrite, .existing])
    func whatIsCommittedIsOnTheDisk(access: StoreAccess) throws {
        try initialised().close()
        let store = try SQLiteStore(path: path, access: access)
        // Asked of the connection as it is used, since a library may set its own after ours.
        #expect(try pragma("synchronous", of: store) == "2")
        #expect(try pragma("journal_mode", of: store) == "wal")
        #expect(try pragma("busy_timeout", of: store) == "5000")
        try store.execute()
        _ = try refund(of: store)
        #expect(try pragma("synchronous", of: store) == "2")
    }

    @Test func readingLeavesTheStatementsCompiled() throws {
        let store = try initialised()
        for _ in 1...3 { _ = try refund(of: store) }
        #expect(try store.texts("SELECT sql FROM sqlite_stmt WHERE reprep > 0") == [])
    }

    @Test func guardsNeedNoPragmaOfTheDaemonsEither() throws {
        let store = try initialised()
        #expect(try pragma("foreign_keys", of: store) == "0")
        #expect(try pragma("recursive_triggers", of: store) == "0")
    }

    @Test(arguments: [StoreAccess.existing, .readOnly])
    func missingFileIsNotMade(access: StoreAccess) throws {
        let error = try #require(throws: StoreError.self) { try SQLiteStore(path: path, access: access) }
        #expect(error.kind == .notInitialised)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func fileThatCannotBeMadeIsReportedWithItsPlace() throws {
        for path in [folder.path("none/refunds.db"), folder.path] {
            let error = try #require(throws: StoreError.self) { try SQLiteStore(path: path, access: .readWrite) }
            #expect(error.kind == .cannotOpen)
            #expect(error.description.contains("check [database] path"))
        }
    }

    @Test(arguments: [StoreAccess.readWrite, .existing])
    func fileThatIsNoDatabaseIsNotTouched(access: StoreAccess) throws {
        let text = String(repeating: "this is no database\n", count: 100)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let error = try #require(throws: StoreError.self) { try SQLiteStore(path: path, access: access) }
        #expect(error.kind == .cannotOpen)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func readerReadsBesideTheWriterAndWritesNothing() throws {
        let writer = try initialised()
        let reader = try SQLiteStore(path: path, access: .readOnly)
        try reader.checkSchema()
        try writer.transaction(.immediate) { db in
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
            #expect(try refund(of: reader) == nil)
        }
        #expect(try refund(of: reader)?.merchantOrderNo == "R-1")
        #expect(throws: StoreError.self) { try reader.execute("DELETE FROM refund_hints") }
        writer.close()
        #expect(try refund(of: reader)?.merchantOrderNo == "R-1")
    }

    private func refund(of store: SQLiteStore) throws -> Refund? {
        try store.read { tx throws(StoreError) in try tx.refund(id: 1) }?.refund
    }

    @Test func onlyCommitsOfOthersAreForeign() throws {
        let store = try initialised()
        #expect(try store.hasForeignCommits(), "nothing was looked at before")
        try store.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        #expect(try !store.hasForeignCommits())
        let application = try DatabaseQueue(path: path)
        try application.write { db in
            try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2')")
        }
        #expect(try store.hasForeignCommits())
        #expect(try !store.hasForeignCommits())
    }

    @Test func lockThatIsReplacedWhileItIsHeldEndsTheDaemonsWork() throws {
        let lock = try DaemonLock.taken(path)
        let store = try initialised()
        try store.execute()
        try FileManager.default.removeItem(atPath: path + ".lock")
        let other = try DaemonLock.taken(path)
        for use in [{ try store.execute() }, { _ = try store.hasForeignCommits() }] {
            let error = try #require(throws: StoreError.self, performing: use)
            #expect(error.isFatal)
            #expect(error.description.contains("\(path).lock was deleted or replaced"), "\(error)")
            #expect(error.description.contains("another refundd"))
        }
        withExtendedLifetime((lock, other)) {}
    }

    @Test func queueIsThereOnceItIsMade() throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        #expect(throws: StoreError.self) { try store.checkSchema() }
        try store.migrate(at: now)
        try store.checkSchema()
    }

    @Test func errorOfTheBodyRollsBackAndPassesUnchanged() throws {
        let store = try initialised()
        let fault = StoreError(.missing, location: "elsewhere", reason: "a test", description: "a test's own")
        let error = #expect(throws: StoreError.self) {
            try store.write { tx throws(StoreError) in
                _ = try tx.enqueue(NewRefund(columns: [(name: .merchantOrderNo, value: "R-1")]))
                throw fault
            }
        }
        #expect(error == fault)
        #expect(try refund(of: store) == nil)
        try store.execute()
    }

    @Test func rejectionKeepsTheGuardsOwnWords() throws {
        let store = try initialised()
        let error = try #require(throws: StoreError.self) {
            try store.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('a b')")
        }
        #expect(error.kind == .rejected)
        #expect(error.reason.hasPrefix("refund_queue: merchant_order_no must be text"))
    }
}
