import CPostgres

/// The result of a statement, which libpq holds.
@safe
final class PostgresResult {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit {
        unsafe PQclear(handle)
    }

    var status: ExecStatusType { unsafe PQresultStatus(handle) }

    var rowCount: CInt { unsafe PQntuples(handle) }

    var columnCount: CInt { unsafe PQnfields(handle) }

    /// The number of rows that the statement changed.
    var changedRows: Int { unsafe Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    func type(_ column: CInt) -> UInt32 { unsafe PQftype(handle, column) }

    /// The bytes of a value, or nil for null or a column that is not there.
    func value(_ row: CInt, _ column: CInt) -> [UInt8]? {
        guard column < columnCount, unsafe PQgetisnull(handle, row, column) == 0,
            let start = unsafe PQgetvalue(handle, row, column)
        else { return nil }
        let length = Int(unsafe PQgetlength(handle, row, column))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: length))
    }

    /// A whole number in binary format, or nil for null or another type.
    func integer(_ row: CInt, _ column: CInt) -> Int64? {
        guard column < columnCount, unsafe PQgetisnull(handle, row, column) == 0,
            let start = unsafe UnsafeRawPointer(PQgetvalue(handle, row, column))
        else { return nil }
        switch PostgresType(rawValue: type(column)) {
        case .int64: return unsafe Int64(bigEndian: start.loadUnaligned(as: Int64.self))
        case .int32: return unsafe Int64(Int32(bigEndian: start.loadUnaligned(as: Int32.self)))
        case .int16: return unsafe Int64(Int16(bigEndian: start.loadUnaligned(as: Int16.self)))
        case .boolean: return unsafe start.load(as: UInt8.self) == 0 ? 0 : 1
        default: return nil
        }
    }

    /// A field of an error, by the letter of the protocol.
    func errorField(_ letter: Unicode.Scalar) -> String? {
        unsafe PQresultErrorField(handle, CInt(letter.value)).map { unsafe String(cString: $0) }
    }
}

/// A row of a result, whose columns are read in order; valid only inside the closure that receives it.
package final class PostgresRow {
    private let result: PostgresResult
    private let isBinary: Bool
    private let row: CInt
    private var column: CInt = 0

    init(_ result: PostgresResult, _ row: CInt, isBinary: Bool) {
        self.result = result
        self.row = row
        self.isBinary = isBinary
    }

    /// How many columns it has.
    package var columnCount: Int { Int(result.columnCount) }

    /// The next column as a whole number; a boolean is 1 or 0; nil if it holds neither.
    package func integer() -> Int64? {
        guard isBinary else { return text().flatMap { Int64($0) } }
        defer { column += 1 }
        return result.integer(row, column)
    }

    /// The next column as a count: zero if it holds none, and never so large that adding one could overflow.
    package func count() -> Int { Int(Int32(clamping: max(integer() ?? 0, 0))) }

    /// The next column as a text: a boolean as 1 or 0, bytes as UTF-8; nil for null.
    package func text() -> String? {
        if isBinary, let number = result.integer(row, column) {
            column += 1
            return String(number)
        }
        let type = PostgresType(rawValue: result.type(column))
        guard let bytes = bytes() else { return nil }
        if type == .boolean { return bytes == [UInt8(ascii: "t")] ? "1" : "0" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The next column as bytes; nil for null.
    package func bytes() -> [UInt8]? {
        defer { column += 1 }
        let value = result.value(row, column)
        guard !isBinary, PostgresType(rawValue: result.type(column)) == .bytes else { return value }
        return value.map(Self.decode)
    }

    // The text format of bytes is `\x` and hexadecimal digits.
    private static func decode(_ hex: [UInt8]) -> [UInt8] {
        let digits = hex.dropFirst(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
