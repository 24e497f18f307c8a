package import GRDB
import RefundCore
package import RefundStore
import RefundStoreConformance
package import RefundStoreSQLite
import RefundTestSupport

/// A SQLite queue in a folder of its own, with an application's connection to it.
package final class SQLiteFixture: StoreFixture, Sendable {
    /// The database's path.
    package let path: String
    /// The daemon's connection.
    package let sqlite: SQLiteStore
    package var store: any QueueStore { sqlite }
    /// An application's connection, as GRDB opens it by default.
    package let application: DatabaseQueue
    private let folder: TemporaryFolder

    /// Creates an empty queue.
    ///
    /// - Parameters:
    ///   - parent: The folder for the fixture's own folder, or nil for the usual one.
    ///   - configuration: The configuration of the application's connection.
    /// - Throws: An error if the queue cannot be created.
    package init(in parent: String? = nil, application configuration: Configuration = Configuration()) throws {
        folder = try TemporaryFolder(in: parent)
        path = folder.path("refunds.db")
        sqlite = try SQLiteStore(path: path, access: .readWrite)
        try sqlite.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        application = try DatabaseQueue(path: path, configuration: configuration)
    }

    deinit {
        sqlite.close()
        try? application.close()
    }

    package func execute(_ sql: String) throws {
        try application.writeWithoutTransaction { db in try db.execute(sql: sql) }
    }

    package func reject(_ writes: String, of table: String, when condition: String?, _ message: String) throws {
        let filter = condition.map { "WHEN \($0)" } ?? ""
        try execute(
            "CREATE TRIGGER shop BEFORE \(writes) ON \(table) \(filter) BEGIN SELECT RAISE(ABORT, '\(message)'); END"
        )
    }

    package func removeGuard(_ name: String, of table: String) throws { try execute("DROP TRIGGER \(name)") }

    package func rows(_ sql: String) throws -> [[String?]] { try rows(sql, []) }

    /// The rows of a query, whose `?` stand for numbers.
    package func rows(_ sql: String, _ numbers: [Int64]) throws -> [[String?]] {
        // Outside of `read`, which would make SQLite compile every statement again.
        try application.writeWithoutTransaction { db in
            let statement = try db.cachedStatement(sql: sql)
            try statement.setArguments(StatementArguments(numbers))
            return try Row.fetchAll(statement).map { row in
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

    package func whileLocked(_ body: () throws -> Void) throws {
        try application.inDatabase { db in
            try db.inTransaction(.immediate) {
                try body()
                return .rollback
            }
        }
    }
}
