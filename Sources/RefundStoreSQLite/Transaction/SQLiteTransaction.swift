import GRDB
import RefundCore
import RefundStore
import RefundStoreSQL

/// One transaction, with everything that can be read and written in it.
///
/// `read` passes it as a `QueueReader`, which has no write methods. Valid only inside the closure that receives it.
struct SQLiteTransaction: SQLWriter {
    let store: SQLiteStore
    let database: Database

    var statements: HotStatements { store.statements }

    /// Maps SQLite's errors.
    func mapped<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error, path: store.path, database)
        }
    }

    // MARK: - SQL

    static let counts = "refund_counts"

    static func by(_ index: String) -> String { "INDEXED BY \(index)" }

    static func isListed(in parameter: String) -> String { "IN (SELECT value FROM json_each(\(parameter)))" }

    static func isNumber(_ column: String) -> String { "typeof(\(column)) = 'integer'" }

    static let least = "min"

    static let lock = ""

    /// The text with SQLite's parameters: `?1` instead of `$1`.
    static func parameters(_ sql: String) -> String { sql.replacing("$", with: "?") }

    func query(_ sql: String) throws -> HotStatement { try statements[Self.parameters(sql)] }

    func read(_ query: HotStatement, _ body: @escaping (HotStatement) -> Void) throws {
        try query.read { row in
            body(row)
            return true
        }
    }

    func run(_ statement: HotStatement) throws { try statement.run() }

    func runOnce(_ statement: HotStatement) throws { try statement.run(changing: 1) }

    func flush() {}
}

extension HotStatement: SQLQuery, SQLRow {
    func bind(list values: [Int64]) -> HotStatement { bind(JSONWriter.list(values)) }

    func bind(list values: [String]) -> HotStatement { bind(JSONWriter.list(values)) }
}
