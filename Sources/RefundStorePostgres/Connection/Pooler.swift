import RefundPostgres

/// What to know about a pooler in transaction mode, such as PgBouncer's: it runs each transaction of a connection in
/// whichever session of the server is free.
///
/// Such a connection cannot listen, and holds no lock beyond its transaction. A session's settings would stay for the
/// next program that the pooler lends it to.
enum Pooler {
    static let reason =
        "a pooler in transaction mode, such as PgBouncer with pool_mode = transaction, cannot pass notifications on"
    static let remedy = "connect [database] url to the server itself, or to a pool with pool_mode = session"

    /// Whether a new connection leads to such a pooler.
    ///
    /// A pooler invents the number of the process that it introduces. Whether it lends that process out shows when the
    /// connection meets another one, or another connection meets the same.
    ///
    /// - Parameters:
    ///   - connection: The connection, without an open transaction.
    ///   - another: Makes one more to the same place.
    ///   - deadline: When to give up.
    /// - Returns: Whether it does.
    /// - Throws: `PostgresError`.
    static func sharesSession(
        of connection: PostgresConnection,
        another: () throws(PostgresError) -> PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> Bool {
        func process(of connection: PostgresConnection, _ begin: String = "") throws(PostgresError) -> String? {
            var id: String?
            try connection.execute("\(begin)SELECT pg_backend_pid()", until: deadline) { id = $0.text() }
            return id
        }
        let first = try process(of: connection)
        if first == "\(connection.processID)" { return false }
        // A pooler that takes turns has moved on; most lend the session out that came back last.
        if try process(of: connection) != first { return true }
        let other = try another()
        var isShared = try process(of: other, "BEGIN;") == first
        if !isShared { isShared = try process(of: connection) != first }
        try other.execute("ROLLBACK", until: deadline)
        return isShared
    }
}

extension PostgresConnection {
    /// Whether it leads to a pooler that may run each transaction in another session.
    var isPooled: Bool { transactionSetup != nil }
}
