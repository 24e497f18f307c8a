import GRDB
import Glibc
import RefundCore
import RefundStore
import Synchronization

/// The last numbers that a queue has given to events, ledger rows, refunds and operators' actions.
///
/// Such a number is never used twice: an application continues after the last event it has seen, and knows a refund by
/// its id.
struct Positions: Hashable, Sendable {
    /// The numbered tables, with their keys.
    static let tables: [(name: String, key: String, what: String)] = [
        ("refund_event_log", "position", "events"), ("refund_transitions", "id", "ledger rows"),
        ("refund_queue", "id", "refunds"), ("refund_actions", "id", "operators' actions"),
    ]
    /// Selects the numbers, and when the queue was created.
    ///
    /// A tool that rebuilds a table may drop its AUTOINCREMENT, so the last row counts as well.
    static let select =
        "SELECT (SELECT applied_at FROM refund_migrations WHERE id = 1), "
        + tables.map { table in
            "max(ifnull((SELECT seq FROM sqlite_sequence WHERE name = '\(table.name)'), 0), "
                + "ifnull((SELECT max(\(table.key)) FROM \(table.name) NOT INDEXED), 0))"
        }.joined(separator: ", ")

    /// When the queue was created, which distinguishes it from any other.
    var created: Int64
    /// The last number of each table.
    var last: [Int64]

    /// Reads the row of `select`.
    init(row: HotStatement) {
        created = row.integer() ?? 0
        last = Self.tables.map { _ in row.integer() ?? 0 }
    }

    /// What this queue lacks that a remembered one had, in words; nil if it lacks nothing.
    func shortfall(from remembered: Positions) -> String? {
        guard created == remembered.created else { return "it is another queue" }
        let missing = zip(zip(last, remembered.last), Self.tables).compactMap { numbers, table in
            numbers.0 < numbers.1 ? "\(table.what) \(numbers.0 + 1) to \(numbers.1)" : nil
        }
        return missing.isEmpty ? nil : "it lacks " + missing.joined(separator: ", ")
    }

    // MARK: - Text

    // Every number has the same length, so that a new text exactly covers an old one.
    private static let digits = 19
    /// The length of the text in bytes.
    static let length = (tables.count + 1) * (digits + 1)

    /// The positions as one line.
    var text: String {
        let numbers = ([created] + last).map { number in
            let text = String(max(number, 0))
            return String(repeating: "0", count: Self.digits - text.count) + text
        }
        return numbers.joined(separator: " ") + "\n"
    }

    /// Reads such a line; nil for any other text.
    init?(text: String) {
        let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { Int64($0) }
        guard text.utf8.count == Self.length, numbers.count == Self.tables.count + 1, numbers.allSatisfy({ $0 >= 0 })
        else { return nil }
        (created, last) = (numbers[0], Array(numbers.dropFirst()))
    }
}

/// Remembers the last positions of a served database beside it, in the lock file.
///
/// An older copy in the database's place would use positions again. The memory is written after the commit
/// and never synchronized, so it may lag behind the database but is never ahead of it.
final class PositionMemory: Sendable {
    private struct State {
        /// The highest positions seen, remembered or read.
        var last: Positions?
        var written: Positions?
    }

    private let file: CInt
    private let state: Mutex<State>

    /// Opens the memory, and reads it.
    ///
    /// - Parameter database: The database's real path. Without a lock file that this user may write, positions are
    ///   remembered only as long as this object lives.
    init(beside database: String) {
        let path = LockFile.path(beside: database)
        var file = unsafe open(path, LockFile.flags)
        if file >= 0, !LockFile.isTrusted(file) {
            close(file)
            file = -1
        }
        self.file = file
        let remembered = file >= 0 ? Self.read(file) : Self.read(beside: database)
        state = Mutex(State(last: remembered, written: remembered))
    }

    deinit {
        if file >= 0 { close(file) }
    }

    /// The positions that are remembered beside a database, or nil.
    static func read(beside database: String) -> Positions? {
        let file = unsafe open(LockFile.path(beside: database), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return read(file)
    }

    // A write by another process may be half visible.
    private static func read(_ file: CInt) -> Positions? {
        var last: [UInt8]?
        for _ in 0..<10 {
            var bytes = [UInt8](repeating: 0, count: Positions.length)
            guard unsafe pread(file, &bytes, bytes.count, 0) == bytes.count else { return nil }
            if bytes == last { break }
            last = bytes
        }
        return last.flatMap { Positions(text: String(decoding: $0, as: UTF8.self)) }
    }

    /// What positions lack compared to the highest ones seen, in words; nil if they lack nothing.
    func shortfall(of positions: Positions) -> String? {
        state.withLock { $0.last.flatMap(positions.shortfall) }
    }

    /// The highest positions seen.
    var last: Positions? { state.withLock { $0.last } }

    /// Remembers committed positions.
    func remember(_ positions: Positions) {
        state.withLock { state in
            state.last = positions
            // An empty file says that the database has not been served.
            guard positions != state.written, file >= 0, LockFile.size(file) > 0 else { return }
            let bytes = Array(positions.text.utf8)
            if unsafe pwrite(file, bytes, bytes.count, 0) == bytes.count { state.written = positions }
        }
    }

    /// Forgets the positions, so that any are accepted next.
    ///
    /// - Returns: The forgotten positions, for `restore` if the acceptance fails.
    func forget() -> Positions? {
        state.withLock { state in
            defer { state.last = nil }
            return state.last
        }
    }

    /// Undoes `forget`.
    func restore(_ positions: Positions?) {
        state.withLock { $0.last = positions }
    }
}
