import GRDB
import GRDBSQLite
import RefundCore

/// A prepared statement of the hot path.
///
/// It binds parameters and reads columns in order, without generic values. GRDB's own decoding costs 36,000 instructions
/// per query here. Besides the online backup, this is the only file of the store that calls SQLite itself.
@safe
final class HotStatement {
    // Owns the handle and finalizes it.
    private let statement: Statement
    private let handle: OpaquePointer
    private let database: Database
    private var bound: CInt = 0
    private var column: CInt = 0

    /// Prepares a statement.
    init(_ sql: String, _ database: Database) throws {
        statement = try database.makeStatement(sql: sql)
        unsafe handle = statement.sqliteStatement
        self.database = database
    }

    // MARK: - Binding, in order

    /// Binds the next parameter to a whole number, or NULL.
    @discardableResult
    func bind(_ value: Int64?) -> HotStatement {
        bound += 1
        if let value {
            unsafe sqlite3_bind_int64(handle, bound, value)
        } else {
            unsafe sqlite3_bind_null(handle, bound)
        }
        return self
    }

    /// Binds the next parameter to a whole number, or NULL.
    @discardableResult
    func bind(_ value: Int?) -> HotStatement { bind(value.map(Int64.init)) }

    /// Binds the next parameter to 1 or 0.
    @discardableResult
    func bind(_ value: Bool) -> HotStatement { bind(value ? 1 as Int64 : 0) }

    /// Binds the next parameter to a time in Unix milliseconds, or NULL.
    @discardableResult
    func bind(_ value: Timestamp?) -> HotStatement { bind(value?.milliseconds) }

    /// Binds the next parameter to a text, or NULL.
    @discardableResult
    func bind(_ value: String?) -> HotStatement {
        bound += 1
        guard var value else {
            unsafe sqlite3_bind_null(handle, bound)
            return self
        }
        let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        value.withUTF8 { bytes in
            // An empty text may have no address, which SQLite would bind as NULL.
            let start = unsafe UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            if let start = unsafe start {
                _ = unsafe sqlite3_bind_text(handle, bound, start, CInt(bytes.count), transient)
            } else {
                _ = unsafe sqlite3_bind_text(handle, bound, "", 0, transient)
            }
        }
        return self
    }

    /// Binds the next parameter to bytes, or NULL.
    @discardableResult
    func bind(_ value: [UInt8]?) -> HotStatement {
        bound += 1
        guard let value else {
            unsafe sqlite3_bind_null(handle, bound)
            return self
        }
        let transient = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        unsafe value.withUnsafeBufferPointer { bytes in
            if let start = bytes.baseAddress {
                _ = unsafe sqlite3_bind_blob(handle, bound, start, CInt(bytes.count), transient)
            } else {
                _ = unsafe sqlite3_bind_zeroblob(handle, bound, 0)
            }
        }
        return self
    }

    // MARK: - Running

    /// Runs a statement that returns nothing.
    ///
    /// - Returns: How many rows it changed.
    @discardableResult
    func run() throws -> Int {
        defer { reset() }
        let code = unsafe sqlite3_step(handle)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code) }
        return database.changesCount
    }

    /// Runs a statement that changes a number of rows, all of which exist.
    ///
    /// - Throws: `DatabaseError.ignored` if it changed fewer.
    func run(changing count: Int) throws {
        guard try run() >= count else { throw DatabaseError.ignored }
    }

    /// Runs a query.
    ///
    /// - Parameter body: Reads a row's columns in order; false ends the query.
    /// - Throws: `DatabaseError`, or what the body throws.
    func read(_ body: (HotStatement) throws -> Bool) throws {
        defer { reset() }
        while true {
            let code = unsafe sqlite3_step(handle)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code) }
            column = 0
            guard try body(self) else { return }
        }
    }

    private func reset() {
        unsafe sqlite3_reset(handle)
        bound = 0
        column = 0
    }

    private func failure(_ code: CInt) -> DatabaseError {
        let message = unsafe database.sqliteConnection.map { unsafe String(cString: sqlite3_errmsg($0)) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: statement.sql)
    }

    // MARK: - Reading, in order

    // A row may hold whatever a stray UPDATE left there: a value of another type reads as nil.

    /// The next column as a whole number, or nil if it holds none.
    func integer() -> Int64? {
        defer { column += 1 }
        guard unsafe sqlite3_column_type(handle, column) == SQLITE_INTEGER else { return nil }
        return unsafe sqlite3_column_int64(handle, column)
    }

    /// The next column as a time, or nil if it holds none.
    func timestamp() -> Timestamp? { integer().map(Timestamp.init(milliseconds:)) }

    /// The next column as a count: zero if it holds none, and never so large that adding one could overflow.
    func count() -> Int { Int(Int32(clamping: max(integer() ?? 0, 0))) }

    /// The next column as a text, or nil if it holds none.
    func text() -> String? {
        defer { column += 1 }
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_TEXT:
            guard let start = unsafe sqlite3_column_text(handle, column) else { return nil }
            let length = Int(unsafe sqlite3_column_bytes(handle, column))
            return unsafe String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
        case SQLITE_INTEGER:
            return String(unsafe sqlite3_column_int64(handle, column))
        default:
            return nil
        }
    }

    /// The next column as bytes, or nil if it holds none.
    func bytes() -> [UInt8]? {
        defer { column += 1 }
        switch unsafe sqlite3_column_type(handle, column) {
        case SQLITE_BLOB, SQLITE_TEXT:
            let start = unsafe sqlite3_column_blob(handle, column)
            let length = Int(unsafe sqlite3_column_bytes(handle, column))
            return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
        default:
            return nil
        }
    }
}

extension DatabaseError {
    /// The error for a write that a trigger ignored, although its row is there.
    static let ignored = DatabaseError(
        resultCode: .SQLITE_CONSTRAINT,
        message: "the write was ignored by RAISE(IGNORE)"
    )
}

/// The hot statements of one connection, each prepared once.
final class HotStatements {
    // Hashing a whole text costs as much as running some of the statements. Few texts have the same length.
    private struct Text: Hashable {
        let sql: String

        func hash(into hasher: inout Hasher) { hasher.combine(sql.utf8.count) }
    }

    private let database: Database
    private var prepared: [Text: HotStatement] = [:]

    init(_ database: Database) {
        self.database = database
    }

    /// The statement for a text.
    subscript(sql: String) -> HotStatement {
        get throws {
            let text = Text(sql: sql)
            if let statement = prepared[text] { return statement }
            let statement = try HotStatement(sql, database)
            prepared[text] = statement
            return statement
        }
    }
}
