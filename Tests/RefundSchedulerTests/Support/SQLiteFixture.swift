import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite

/// A SQLite file in a folder of its own.
final class SQLiteFixture: StoreFixture, Sendable {
    let store: any QueueStore
    let path: String
    private let folder: URL
    private let application: DatabaseQueue

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "refundd-scheduler-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appending(path: "queue.db").path
        store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        application = try DatabaseQueue(path: path)
    }

    deinit {
        try? application.close()
        store.close()
        try? FileManager.default.removeItem(at: folder)
    }

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
}
