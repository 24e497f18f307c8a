import Foundation
import GRDB
import RefundCore
import RefundStoreSQLite

/// The database as everybody but the daemon uses it: the application inserts, the simulation looks.
final class SharedDatabase {
    let path: String
    private let folder: URL
    private let connection: DatabaseQueue

    init() throws {
        // A file system in memory, where there is one: nothing here is worth a disk's time.
        let memory = URL(fileURLWithPath: "/dev/shm")
        let isThere = FileManager.default.isWritableFile(atPath: memory.path)
        folder = (isThere ? memory : FileManager.default.temporaryDirectory)
            .appending(path: "refundd-simulation-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.appending(path: "refundd.db").path
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: VirtualClock.start)
        store.close()
        connection = try DatabaseQueue(path: path)
        // The real clock is in SQLite; what was just inserted is given the simulation's time.
        try connection.write { db in try db.execute(sql: "DROP TRIGGER refund_queue_identity") }
    }

    deinit {
        try? connection.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Inserts a refund as an application does.
    ///
    /// - Returns: Its id, or nil when it is in the queue already.
    func insert(_ columns: [(name: String, value: String)], at wall: Timestamp) throws -> Int64? {
        let names = columns.map(\.name).joined(separator: ", ")
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        return try connection.write { db in
            let insert = "INSERT INTO refund_queue (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING"
            try db.cachedStatement(sql: insert).execute(arguments: StatementArguments(columns.map(\.value)))
            guard db.changesCount == 1 else { return nil }
            let id = db.lastInsertedRowID
            let update = "UPDATE refund_queue SET created_at = ?1, updated_at = ?1 WHERE id = ?2"
            try db.cachedStatement(sql: update).execute(arguments: [wall.milliseconds, id])
            return id
        }
    }

    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        // GRDB's `read` would make SQLite compile every statement anew.
        try connection.writeWithoutTransaction { db in
            let statement = try db.cachedStatement(sql: sql)
            try statement.setArguments(arguments)
            return try Row.fetchAll(statement)
        }
    }
}
