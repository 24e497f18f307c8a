import Foundation
import GRDB
import RefundCore
import Testing

@testable import RefundStoreSQLite

struct OpeningTests {
    private let folder: Folder
    private let path: String

    init() throws {
        folder = try Folder()
        path = folder.path + "/refunds.db"
    }

    private func initialised() throws -> RefundStore {
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        return store
    }

    private func pragma(_ name: String, of store: RefundStore) throws -> String? {
        try store.transaction { tx in try String.fetchOne(tx.db, sql: "PRAGMA \(name)") }
    }

    @Test(arguments: [RefundStore.Access.readWrite, .existing])
    func whatIsCommittedIsOnTheDisk(access: RefundStore.Access) throws {
        try initialised().close()
        let store = try RefundStore(path: path, access: access)
        // Asked of the connection as it is used, since a library may set its own after ours.
        #expect(try pragma("synchronous", of: store) == "2")
        #expect(try pragma("journal_mode", of: store) == "wal")
        #expect(try pragma("busy_timeout", of: store) == "5000")
        try store.transaction { _ in }
        _ = try store.read { tx in try tx.refund(id: 1) }
        #expect(try pragma("synchronous", of: store) == "2")
    }

    @Test func readingLeavesTheStatementsCompiled() throws {
        let store = try initialised()
        for _ in 1...3 { _ = try store.read { tx in try tx.refund(id: 1) } }
        let repeated = try store.read { tx in
            try Row.fetchAll(tx.db, sql: "SELECT sql FROM sqlite_stmt WHERE reprep > 0").map { $0[0] as String }
        }
        #expect(repeated == [])
    }

    @Test func guardsNeedNoPragmaOfTheDaemonsEither() throws {
        let store = try initialised()
        #expect(try pragma("foreign_keys", of: store) == "0")
        #expect(try pragma("recursive_triggers", of: store) == "0")
    }

    @Test(arguments: [RefundStore.Access.existing, .readOnly])
    func aMissingFileIsNotMade(access: RefundStore.Access) throws {
        let error = try #require(throws: StoreError.self) { try RefundStore(path: path, access: access) }
        guard case .notInitialised(path) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func aFileThatCannotBeMadeIsToldWithItsPlace() throws {
        for path in [folder.path + "/none/refunds.db", folder.path] {
            let error = try #require(throws: StoreError.self) { try RefundStore(path: path, access: .readWrite) }
            guard case .cannotOpen(path, _) = error else {
                Issue.record("\(error)")
                continue
            }
            #expect(error.description.contains("check [database] path"))
        }
    }

    @Test(arguments: [RefundStore.Access.readWrite, .existing])
    func aFileThatIsNoDatabaseIsNotTouched(access: RefundStore.Access) throws {
        let text = String(repeating: "this is no database\n", count: 100)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let error = try #require(throws: StoreError.self) { try RefundStore(path: path, access: access) }
        guard case .cannotOpen(path, _) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func aReaderReadsBesideTheWriterAndWritesNothing() throws {
        let writer = try initialised()
        let reader = try RefundStore(path: path, access: .readOnly)
        try reader.checkSchema()
        try writer.transaction { tx in
            try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", [])
            #expect(try reader.read { try $0.refund(id: 1) } == nil)
        }
        #expect(try reader.read { try $0.refund(id: 1) }?.merchantOrderNo == "R-1")
        #expect(throws: StoreError.self) { try reader.transaction { try $0.lease([1], until: now) } }
        #expect(throws: StoreError.self) { try reader.read { try $0.lease([1], until: now) } }
        #expect(throws: StoreError.self) { try writer.read { try $0.lease([1], until: now) } }
        #expect(try pragma("query_only", of: writer) == "0")
        writer.close()
        #expect(try reader.read { try $0.refund(id: 1) }?.merchantOrderNo == "R-1")
    }

    @Test func onlyOthersCommitsChangeTheDataVersion() throws {
        let store = try initialised()
        let before = try store.dataVersion()
        try store.transaction { tx in
            try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", [])
        }
        #expect(try store.dataVersion() == before)
        let application = try DatabaseQueue(path: path)
        try application.write { db in try db.execute(sql: "INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2')")
        }
        #expect(try store.dataVersion() != before)
    }

    @Test func aLockThatIsReplacedWhileItIsHeldEndsTheDaemonsWork() throws {
        let lock = try DaemonLock(databasePath: path)
        let store = try initialised()
        try store.transaction { _ in }
        try FileManager.default.removeItem(atPath: path + ".lock")
        let other = try DaemonLock(databasePath: path)
        for use in [{ try store.transaction { _ in } }, { _ = try store.dataVersion() }] {
            let error = try #require(throws: StoreError.self, performing: use)
            #expect(error.isBeyondRetrying)
            #expect(error.description.contains("\(path).lock was deleted or replaced"), "\(error)")
            #expect(error.description.contains("another refundd"))
        }
        withExtendedLifetime((lock, other)) {}
    }

    @Test func aQueueIsThereOnceItIsMade() throws {
        let store = try RefundStore(path: path, access: .readWrite)
        #expect(throws: StoreError.self) { try store.checkSchema() }
        try store.migrate(at: now)
        try store.checkSchema()
    }

    @Test func whatTheBodyThrowsTakesEverythingBack() throws {
        struct Fault: Error {}
        let store = try initialised()
        #expect(throws: StoreError.self) {
            try store.transaction { tx in
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", [])
                throw Fault()
            }
        }
        #expect(try store.read { try $0.refund(id: 1) } == nil)
        try store.transaction { _ in }
    }

    @Test func anErrorThatIsNoRefusalEndsTheWholeTransaction() throws {
        let store = try initialised()
        #expect(throws: StoreError.self) {
            try store.transaction { tx in
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", [])
                _ = try tx.refusal { try tx.execute("INSERT INTO no_such_table VALUES (1)", []) }
            }
        }
        #expect(try store.read { try $0.refund(id: 1) } == nil)
    }

    @Test func aRefusedPartIsTakenBackAlone() throws {
        let store = try initialised()
        try store.transaction { tx in
            try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", [])
            let refusal = try tx.refusal {
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-2')", [])
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R 1')", [])
            }
            #expect(refusal?.contains("merchant_order_no must be text") == true)
            let none = try tx.refusal {
                try tx.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-3')", [])
            }
            #expect(none == nil)
        }
        let orders = try store.read { tx in
            try String.fetchAll(tx.db, sql: "SELECT merchant_order_no FROM refund_queue ORDER BY id")
        }
        #expect(orders == ["R-1", "R-3"])
    }

    @Test func aTriggersRefusalIsPassedOnInItsOwnWords() throws {
        let store = try initialised()
        let error = try #require(throws: StoreError.self) {
            try store.transaction { try $0.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('a b')", []) }
        }
        guard case .refused(let reason) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(reason.hasPrefix("refund_queue: merchant_order_no must be text"))
    }
}
