import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

struct MigrationTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func rows(_ sql: String) throws -> [String] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { db in try String.fetchAll(db, sql: sql) }
    }

    private func open(_ access: StoreAccess = .readWrite) throws -> SQLiteStore {
        try SQLiteStore(path: path, access: access)
    }

    @Test func migratingAgainChangesNothing() throws {
        let store = try open()
        try store.migrate(at: now)
        let schema = try rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        try store.migrate(at: later(60))
        let again = try open(.existing)
        try again.migrate(at: later(120))
        #expect(try rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name") == schema)
        #expect(
            try rows("SELECT id || ' ' || name || ' ' || applied_at FROM refund_migrations")
                == Migration.all.map { "\($0.id) \($0.name) \(now.milliseconds)" }
        )
    }

    @Test func migrationsAreNumberedInOrder() {
        #expect(Migration.all.map(\.id) == Set(Migration.all.map(\.id)).sorted())
    }

    @Test func newerSchemaIsRefusedAndLeftAlone() throws {
        let store = try open()
        try store.migrate(at: now)
        try store.execute("INSERT INTO refund_migrations (id, name, applied_at) VALUES (99, 'later', 0)")
        for isCheck in [true, false] {
            let error = try #require(throws: StoreError.self) {
                if isCheck { try store.checkSchema() } else { try store.migrate(at: now) }
            }
            #expect(error.kind == .newerSchema)
            #expect(error.description.contains("install a newer refundd"))
        }
        #expect(try rows("SELECT id FROM refund_migrations") == Migration.all.map { "\($0.id)" } + ["99"])
    }

    @Test(arguments: [StoreAccess.readWrite, .existing, .readOnly])
    func fileWithoutAQueueIsDistinguished(access: StoreAccess) throws {
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "CREATE TABLE orders (id INTEGER)") }
        let store = try open(access)
        let error = try #require(throws: StoreError.self) { try store.checkSchema() }
        #expect(error.kind == .notInitialised)
        #expect(error.description.contains("refundd init"))
        #expect(try rows("SELECT name FROM sqlite_master") == ["orders"], "a check writes nothing")
    }

    @Test(arguments: ["UTF-16le", "UTF-16be"], [StoreAccess.readWrite, .existing])
    func utf16DatabaseIsRefusedAndLeftAlone(encoding: String, access: StoreAccess) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA encoding = '\(encoding)'; CREATE TABLE orders (id INTEGER)")
        }
        try queue.close()
        let store = try open(access)
        let error = try #require(throws: StoreError.self) { try store.migrate(at: now) }
        #expect(error.kind == .cannotOpen)
        #expect(error.description.contains("has the encoding \(encoding), and refundd needs UTF-8"))
        #expect(try rows("SELECT name FROM sqlite_master") == ["orders"])
    }

    @Test func migrationThatFailsLeavesNothingBehind() throws {
        try DatabaseQueue(path: path).write { db in try db.execute(sql: "CREATE TABLE refund_outbox (mine INTEGER)") }
        let store = try open()
        let error = try #require(throws: StoreError.self) { try store.migrate(at: now) }
        #expect(try rows("SELECT name FROM sqlite_master") == ["refund_outbox"])
        #expect(error.description.contains("(table refund_outbox already exists); rename them"))
    }

    @Test func manyMayMigrateTheSameNewFileAtTheSameTime() throws {
        for round in 0..<40 {
            let path = folder.path("\(round).db")
            let failures = concurrently(8) { _ in
                let store = try SQLiteStore(path: path, access: .readWrite)
                defer { store.close() }
                try store.migrate(at: now)
                try store.checkSchema()
            }
            #expect(failures.isEmpty, "\(failures)")
            let queue = try DatabaseQueue(path: path)
            let applied = try queue.read { db in try Int.fetchAll(db, sql: "SELECT id FROM refund_migrations") }
            #expect(applied == Migration.all.map(\.id))
        }
    }
}
