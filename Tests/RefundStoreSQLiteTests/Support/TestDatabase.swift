import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport

@testable import RefundStoreSQLite

/// A SQLite queue in a folder of its own, with an application's connection to it.
final class TestDatabase: StoreFixture {
    let path: String
    let sqlite: SQLiteStore
    var store: any QueueStore { sqlite }
    /// An application's connection, as GRDB opens it by default.
    let application: DatabaseQueue
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
        sqlite = try SQLiteStore(path: path, access: .readWrite)
        try sqlite.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        application = try DatabaseQueue(path: path)
    }

    deinit {
        sqlite.close()
        try? application.close()
    }

    var daemon: Daemon { Daemon(self) }

    func execute(_ sql: String) throws {
        try application.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    func rows(_ sql: String) throws -> [[String?]] {
        try application.read { db in
            try Row.fetchAll(db, sql: sql).map { row in
                row.databaseValues.map { value in
                    switch value.storage {
                    case .null: nil
                    case .int64(let number): "\(number)"
                    case .double(let number): "\(number)"
                    case .string(let text): text
                    case .blob(let data): String(decoding: data, as: UTF8.self)
                    }
                }
            }
        }
    }

    func whileLocked(_ body: () throws -> Void) throws {
        try application.inDatabase { db in
            try db.inTransaction(.immediate) {
                try body()
                return .rollback
            }
        }
    }

    /// The rows of a query, with null as `-`.
    func texts(_ sql: String) throws -> [[String]] {
        try rows(sql).map { row in row.map { $0 ?? "-" } }
    }

    /// Everything that the guards protect, as text.
    func contents() throws -> [[String]] {
        try [
            "refund_queue", "refund_transitions", "refund_event_log", "refund_outbox", "refund_outbox_attempts",
            "refund_hints", "refund_gateways", "refund_incidents", "refund_actions",
        ].flatMap { table in try texts("SELECT '\(table)', * FROM \(table) ORDER BY 2") }
    }
}

extension SQLiteStore {
    /// Runs statements in a transaction of the daemon's connection.
    func execute(_ sql: String = "") throws(StoreError) {
        try transaction(.immediate) { db in try db.execute(sql: sql) }
    }

    /// The first column of a query.
    func texts(_ sql: String) throws(StoreError) -> [String] {
        try transaction(.deferred) { db in try String.fetchAll(db, sql: sql) }
    }
}
