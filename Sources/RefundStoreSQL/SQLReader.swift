package import RefundCore
package import RefundStore

/// A store whose database is asked in SQL: the queries that are the same for all of them are written once, here.
///
/// A text has the parameters `$1` and so on, bound in this order, and is one of a bounded number. What a cycle reads and
/// writes is each store's own: it decides how fast the daemon is.
package protocol SQLReader: QueueReader {
    /// A query before it runs.
    associatedtype Query: SQLQuery
    /// A row of its result.
    associatedtype Row: SQLRow

    /// The table or view that has the current numbers of refunds and webhooks in each state.
    static var counts: String { get }
    /// Has the database take an index that it might not choose by itself; what follows the name of a table.
    static func by(_ index: String) -> String
    /// The condition that a value is in the list that a parameter, such as `$1`, is bound to.
    static func isListed(in parameter: String) -> String
    /// The condition that a column holds a whole number.
    static func isNumber(_ column: String) -> String

    /// Prepares a query.
    func query(_ sql: String) throws -> Query
    /// Runs a query; no other one may run until it has ended.
    func read(_ query: Query, _ body: @escaping (Row) -> Void) throws
    /// Maps the database's errors.
    func mapped<Result>(_ body: () throws -> Result) throws(StoreError) -> Result

    /// Adds what each store knows in its own way: how large it is, and who serves it.
    func complete(_ status: inout QueueStatus, at now: Timestamp) throws
}

/// A query whose parameters are bound in order.
package protocol SQLQuery: AnyObject {
    /// Binds the next parameter to a whole number, or null.
    @discardableResult func bind(_ value: Int64?) -> Self
    /// Binds the next parameter to a whole number, or null.
    @discardableResult func bind(_ value: Int?) -> Self
    /// Binds the next parameter to a time in Unix milliseconds, or null.
    @discardableResult func bind(_ value: Timestamp?) -> Self
    /// Binds the next parameter to a text, or null.
    @discardableResult func bind(_ value: String?) -> Self
    /// Binds the next parameter to a list of whole numbers.
    @discardableResult func bind(list values: [Int64]) -> Self
    /// Binds the next parameter to a list of texts.
    @discardableResult func bind(list values: [String]) -> Self
}

/// A row of a result, whose columns are read in order; valid only inside the closure that receives it.
///
/// A row may hold whatever a stray `UPDATE` left there: a value of another type reads as nil.
package protocol SQLRow: AnyObject {
    /// The next column as a whole number, or nil if it holds none.
    func integer() -> Int64?
    /// The next column as a time, or nil if it holds none.
    func timestamp() -> Timestamp?
    /// The next column as a count: zero if it holds none, and never so large that adding one could overflow.
    func count() -> Int
    /// The next column as a text, or nil if it holds none.
    func text() -> String?
    /// The next column as bytes, or nil if it holds none.
    func bytes() -> [UInt8]?
}

/// The greatest number of a claim; counting claims does not lead there.
private let greatestLease: Int64 = 1 << 52

extension SQLRow {
    /// The next column as the number of a row's last claim: zero for anything that no claim has written.
    ///
    /// A stray `UPDATE` may have left anything there.
    package func lease() -> Int64 {
        guard let lease = integer(), (0...greatestLease).contains(lease) else { return 0 }
        return lease
    }
}

extension SQLReader {
    /// The number of a row's last claim in SQL, as `SQLRow.lease()` reads it.
    package static var lease: String {
        "CASE WHEN \(isNumber("lease")) AND lease BETWEEN 0 AND \(greatestLease) THEN lease ELSE 0 END"
    }

    /// The rows of a query.
    package func rows<Value>(_ query: Query, _ body: @escaping (Row) -> Value?) throws -> [Value] {
        var rows: [Value] = []
        try read(query) { row in if let value = body(row) { rows.append(value) } }
        return rows
    }

    /// The first column of a query's first row as a whole number.
    package func number(_ sql: String, _ bind: (Query) -> Void = { _ in }) throws -> Int64? {
        let query = try query(sql)
        bind(query)
        return try rows(query) { row in row.integer() }.first
    }
}
