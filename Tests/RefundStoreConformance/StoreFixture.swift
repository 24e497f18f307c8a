package import RefundStore

/// A queue in a store under test, seen by an application too.
package protocol StoreFixture: AnyObject {
    /// The daemon's connection.
    var store: any QueueStore { get }
    /// Runs statements on an application's connection.
    func execute(_ sql: String) throws
    /// The rows of a query on an application's connection; nil for null.
    func rows(_ sql: String) throws -> [[String?]]
    /// Adds an application's own trigger that rejects writes of a kind, such as `UPDATE OF state`, to rows of a table.
    ///
    /// - Parameters:
    ///   - writes: The kind of writes.
    ///   - table: The table.
    ///   - condition: Which rows, in terms of `NEW`; nil for all.
    ///   - message: What the trigger says.
    /// - Throws: The database's error.
    func reject(_ writes: String, of table: String, when condition: String?, _ message: String) throws
    /// Removes a guard from a table, as only its owner can.
    func removeGuard(_ name: String, of table: String) throws
    /// Runs a body while an application holds the lock for writing.
    func whileLocked(_ body: () throws -> Void) throws
}

extension StoreFixture {
    /// The first column of a query.
    package func column(_ sql: String) throws -> [String?] { try rows(sql).map { $0.first ?? nil } }

    /// The number that a query returns, -1 if it returns none.
    package func number(_ sql: String) throws -> Int { try column(sql).first.flatMap { $0.flatMap(Int.init) } ?? -1 }

    /// Enqueues a refund as an application would; further columns have these SQL values.
    @discardableResult
    package func enqueue(_ order: String, _ columns: KeyValuePairs<String, String> = [:]) throws -> Int64 {
        let names = (["merchant_order_no"] + columns.map(\.key)).joined(separator: ", ")
        let values = (["'\(order)'"] + columns.map(\.value)).joined(separator: ", ")
        try execute("INSERT INTO refund_queue (\(names)) VALUES (\(values))")
        return Int64(try number("SELECT max(id) FROM refund_queue"))
    }
}

/// Something that every store does.
package struct StoreBehaviour: Sendable, CustomStringConvertible {
    /// What it does, as a test's name.
    package let description: String
    /// Checks it on a fresh queue.
    package let check: @Sendable (any StoreFixture) throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (any StoreFixture) throws -> Void) {
        self.description = description
        self.check = check
    }

    /// All of them.
    package static var all: [StoreBehaviour] { cycles + commands + refusals + overview }

    /// Those of the scheduler's cycles.
    package static var cycles: [StoreBehaviour] {
        changes + claims + deliveries + superseding + pauses + delays + retention
    }
}
