import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

/// One transaction, with everything that can be read and written in it.
///
/// `read` passes it as a `QueueReader`, which has no write methods. Valid only inside the closure that receives it.
/// Statements gather in `flight`. Code that needs their results sends it; the end of the transaction sends the rest
/// together with the commit.
final class PostgresTransaction: SQLWriter {
    enum Kind {
        /// Reads one snapshot.
        case read
        /// Reads and writes; each statement sees what was committed before it.
        case write
    }

    private static let timeout: Duration = .seconds(90)

    let store: PostgresStore
    let connection: PostgresConnection
    private let kind: Kind
    /// What is sent next; it begins with the transaction.
    private(set) var flight = Flight()
    /// What ends the claims that the transaction makes.
    var releases: [Write.Action] = []
    private var (isOpen, isCommitting, failure): (Bool, Bool, PostgresError?) = (true, false, nil)

    init(store: PostgresStore, connection: PostgresConnection, _ kind: Kind) {
        self.store = store
        self.connection = connection
        self.kind = kind
        guard kind == .read else {
            flight.add("BEGIN")
            return
        }
        flight.add("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        // Verifying a batch of rows may take a while, and holds nobody up.
        flight.add("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    }

    /// Sends what has gathered, and calls the closures of its statements.
    func send() throws(PostgresError) {
        let flight = flight
        self.flight = Flight()
        do throws(PostgresError) {
            try connection.run(flight, until: .now.advanced(by: Self.timeout))
        } catch {
            failure = error
            throw error
        }
    }

    /// Runs a text of one or more statements.
    func execute(_ sql: String) throws(PostgresError) {
        try send()
        do throws(PostgresError) {
            try connection.execute(sql, until: .now.advanced(by: Self.timeout))
        } catch {
            failure = error
            throw error
        }
    }

    /// Maps PostgreSQL's errors.
    func mapped<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error, store.location)
        }
    }

    // MARK: - The end

    /// Whether the transaction was ended for the sake of another one, waited too long for it, or lost its connection
    /// before the commit.
    var mayBeRepeated: Bool {
        guard let failure else { return false }
        return failure.kind == .disconnected
            ? !isCommitting : ["40001", "40P01", "55P03"].contains(failure.state?.rawValue)
    }

    /// Whether the connection was lost during the commit, which may have been written.
    var isOutcomeUnknown: Bool { isCommitting && (failure?.kind == .disconnected || failure?.kind == .timedOut) }

    /// Commits, unless the transaction was rolled back or only read.
    func end() throws(PostgresError) {
        guard isOpen else { return }
        isOpen = false
        isCommitting = kind == .write
        flight.add(kind == .read ? "ROLLBACK" : "COMMIT")
        try send()
    }

    /// Rolls back, so that `end` commits nothing.
    func rollBack<Result>(_ result: Result) -> Result {
        abort()
        return result
    }

    /// Rolls back after an error.
    func abort() {
        isOpen = false
        flight = Flight()
        guard !connection.isBroken, connection.isInTransaction else { return }
        try? connection.execute("ROLLBACK", until: .now.advanced(by: Self.timeout))
    }

    /// For tests of crashes, calls a closure when everything is written but the commit.
    func beforeCommit(_ body: (@Sendable () -> Void)?) throws(PostgresError) {
        guard let body else { return }
        try send()
        body()
    }

    /// Runs a body in a savepoint.
    ///
    /// - Returns: Why the database rejected a row, or nil if the body succeeded.
    func rejection(_ body: () throws -> Void) throws -> String? {
        flight.add("SAVEPOINT one")
        do {
            try body()
            flight.add("RELEASE SAVEPOINT one")
            try send()
            return nil
        } catch {
            let mapped = StoreError(error, store.location)
            guard mapped.isOfOneRow, !connection.isBroken else { throw error }
            flight = Flight()
            flight.add("ROLLBACK TO SAVEPOINT one")
            flight.add("RELEASE SAVEPOINT one")
            try send()
            return mapped.reason
        }
    }

    // MARK: - SQL

    static let counts = "refund_counted"

    /// The planner finds its indexes: see the settings that a connection begins with.
    static func by(_ index: String) -> String { "" }

    static func isListed(in parameter: String) -> String { "= ANY (\(parameter))" }

    static func isNumber(_ column: String) -> String { "\(column) IS NOT NULL" }

    static let least = "least"

    static let lock = "FOR NO KEY UPDATE"

    /// Adds a statement to the flight, which is sent when its result is needed.
    func query(_ sql: String) -> Statement { flight.add(sql) }

    func read(_ query: Statement, _ body: @escaping (PostgresRow) -> Void) throws {
        query.read(body)
        try send()
    }

    // The flight has it already.
    func run(_ statement: Statement) {}

    func runOnce(_ statement: Statement) throws {
        var changed = 0
        statement.count { changed = $0 }
        try send()
        guard changed == 1 else { throw StoreError.rejected(store.location, "a trigger had the write ignored") }
    }

    func flush() throws { try send() }
}

extension Statement: SQLQuery {
    @discardableResult
    func bind(_ value: Timestamp?) -> Statement { bind(value?.milliseconds) }
}

extension PostgresRow: SQLRow {
    func timestamp() -> Timestamp? { integer().map(Timestamp.init(milliseconds:)) }
}
