import GRDB
import RefundCore

/// What can be read and written inside one transaction.
///
/// Valid only inside the closure that receives it.
package struct StoreTransaction {
    let db: Database

    func statement(_ sql: String, _ arguments: StatementArguments) throws -> Statement {
        let statement = try db.cachedStatement(sql: sql)
        try statement.setArguments(arguments)
        return statement
    }

    func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try statement(sql, arguments).execute()
    }

    /// Runs a part of the transaction so that a row which the database refuses takes back that part only.
    ///
    /// - Parameter body: The part.
    /// - Returns: Why a trigger or constraint refused it, or nil when it was done.
    /// - Throws: Every other error, which ends the whole transaction.
    package func refusal(of body: () throws -> Void) throws -> String? {
        do {
            try db.inSavepoint {
                try body()
                return .commit
            }
            return nil
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
            return error.message ?? "a constraint"
        }
    }

    /// The refunds that a statement selects with `Refund.columns`.
    func refunds(_ sql: String, _ arguments: StatementArguments) throws -> [Refund] {
        // Each row is read where SQLite has it, without a copy.
        let rows = try Row.fetchCursor(statement(sql, arguments))
        var refunds: [Refund] = []
        while let row = try rows.next() {
            if let refund = Refund(row: row) { refunds.append(refund) }
        }
        return refunds
    }

    /// SQL for being one of a `list`, of whatever length.
    static let isInList = "IN (SELECT value FROM json_each(?))"

    static func list(_ numbers: some Sequence<Int64>) -> String {
        list(numbers) { json, number in json.number(nil, number) }
    }

    static func list(_ texts: some Sequence<String>) -> String {
        list(texts) { json, text in json.string(nil, text) }
    }

    private static func list<Values: Sequence>(
        _ values: Values,
        _ write: (inout JSONText, Values.Element) -> Void
    ) -> String {
        var json = JSONText()
        json.array { json in for value in values { write(&json, value) } }
        return json.text
    }

    func number(_ sql: String, _ arguments: StatementArguments) throws -> Int64? {
        try Int64.fetchOne(statement(sql, arguments))
    }
}

@available(*, unavailable)
extension StoreTransaction: Sendable {}

extension Row {
    // GRDB's typed subscripts trap on a value of another type, and a row may hold whatever a stray UPDATE left there.

    // Most columns of most rows are null, which is told without making a value.
    private func value(_ index: Int) -> DatabaseValue? {
        hasNull(atIndex: index) ? nil : self[index]
    }

    /// The column as a whole number, or nil when it holds none.
    func integer(_ index: Int) -> Int64? {
        value(index).flatMap(Int64.fromDatabaseValue)
    }

    /// The column as a count: zero when it holds none, and never so large that adding one could overflow.
    func count(_ index: Int) -> Int {
        Int(Int32(clamping: Swift.max(integer(index) ?? 0, 0)))
    }

    /// The column as text, or nil when it holds none.
    func text(_ index: Int) -> String? {
        switch value(index)?.storage {
        case .string(let text): text
        case .int64(let number): String(number)
        default: nil
        }
    }

    /// The column as bytes, or nil when it holds none.
    func bytes(_ index: Int) -> [UInt8]? {
        switch value(index)?.storage {
        case .blob(let data): [UInt8](data)
        case .string(let text): [UInt8](text.utf8)
        default: nil
        }
    }

    /// The column as a time, or nil when it holds none.
    func timestamp(_ index: Int) -> Timestamp? {
        integer(index).map(Timestamp.init(milliseconds:))
    }
}
