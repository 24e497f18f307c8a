import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundStoreSQLiteSupport
import Synchronization

/// A queue in a store under test that a simulation can run on.
protocol SimulationFixture: StoreFixture {
    /// Opens a connection for one life of a daemon.
    func openStore() throws -> any QueueStore
    /// The rows of a query on the application's connection that is run again and again; each `?` stands for a number.
    func rows(_ sql: String, _ numbers: [Int64]) throws -> [[String?]]
    /// Sets the time at which the application's inserts happen from now on.
    func setTime(_ now: Timestamp)
    /// Whether the application can replace the database while the daemon serves it.
    var canRestore: Bool { get }
    /// Copies the database, as the application's backup does.
    func save() throws
    /// Replaces the contents of the database with the copy, while the daemon serves it, and accepts them.
    func restore() throws
}

/// A row of a query, by column.
struct Record {
    fileprivate let columns: [String]
    fileprivate let values: [String?]

    /// The text of a column, or nil for null.
    func text(_ column: String) -> String? { columns.firstIndex(of: column).flatMap { values[$0] } }

    /// The text of a column that is never null.
    subscript(column: String) -> String { text(column) ?? "" }

    /// The number in a column, or nil for null.
    func number(_ column: String) -> Int64? { text(column).flatMap { Int64($0) } }

    var id: Int64 { number("id") ?? 0 }

    /// The time in a column; 1970 for null.
    func time(_ column: String) -> Timestamp { Timestamp(milliseconds: number(column) ?? 0) }
}

extension SimulationFixture {
    /// The rows of a query, seen by the application.
    ///
    /// - Parameters:
    ///   - columns: Column names; the last word of each names the value.
    ///   - rest: The query from its `FROM` on.
    ///   - numbers: The values of `?`.
    /// - Returns: The rows.
    /// - Throws: The database's error.
    func records(_ columns: String, _ rest: String, _ numbers: Int64...) throws -> [Record] {
        let names = columns.split(separator: ",").map { column in
            String(column.split { $0 == " " || $0 == "." || $0 == "\n" }.last ?? "")
        }
        return try rows("SELECT \(columns) \(rest)", numbers).map { Record(columns: names, values: $0) }
    }
}

extension StoreFixture {
    /// Inserts a refund as an application does.
    ///
    /// - Returns: Its id, or nil if it is queued already.
    func insert(_ columns: [(name: String, value: String)]) throws -> Int64? {
        let last = try number("SELECT coalesce(max(id), 0) FROM refund_queue")
        let values = columns.map { "'\($0.value)'" }.joined(separator: ", ")
        let names = columns.map(\.name).joined(separator: ", ")
        try execute("INSERT INTO refund_queue (\(names)) VALUES (\(values)) ON CONFLICT DO NOTHING")
        let id = try number("SELECT coalesce(max(id), 0) FROM refund_queue")
        return id == last ? nil : Int64(id)
    }
}

/// A SQLite file, in memory where there is such a file system: nothing here is worth a disk's time.
final class SQLiteSimulationFixture: SimulationFixture {
    private let base: SQLiteFixture
    private let copy: DatabaseQueue
    private let time: SimulatedTime

    // The application's connection reads this instead of the machine's clock.
    private final class SimulatedTime: Sendable {
        let milliseconds = Atomic(VirtualClock.start.milliseconds)
    }

    init() throws {
        let time = SimulatedTime()
        var configuration = GRDB.Configuration()
        configuration.prepareDatabase { db in
            // The schema takes the time of inserts from it.
            let clock = DatabaseFunction("julianday", argumentCount: 1, pure: false) { _ in
                Double(time.milliseconds.load(ordering: .relaxed)) / 86_400_000 + 2_440_587.5
            }
            db.add(function: clock)
        }
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        base = try SQLiteFixture(in: isThere ? memory : nil, application: configuration)
        copy = try DatabaseQueue(path: base.path + ".copy")
        self.time = time
    }

    var store: any QueueStore { base.store }

    var canRestore: Bool { true }

    func openStore() throws -> any QueueStore { try SQLiteStore(path: base.path, access: .readWrite) }

    func setTime(_ now: Timestamp) { time.milliseconds.store(now.milliseconds, ordering: .relaxed) }

    func save() throws { try base.application.backup(to: copy) }

    func restore() throws {
        // Sees the last numbers, which a daemon's lock file would hold.
        try base.sqlite.write { _ throws(StoreError) in }
        try copy.backup(to: base.application)
        let now = Timestamp(milliseconds: time.milliseconds.load(ordering: .relaxed))
        try base.sqlite.acceptRestored(by: "ada", at: now)
    }

    func execute(_ sql: String) throws { try base.execute(sql) }

    func rows(_ sql: String) throws -> [[String?]] { try base.rows(sql) }

    func rows(_ sql: String, _ numbers: [Int64]) throws -> [[String?]] { try base.rows(sql, numbers) }

    func reject(_ writes: String, of table: String, when condition: String?, _ message: String) throws {
        try base.reject(writes, of: table, when: condition, message)
    }

    func removeGuard(_ name: String, of table: String) throws { try base.removeGuard(name, of: table) }

    func whileLocked(_ body: () throws -> Void) throws { try base.whileLocked(body) }
}
