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

    // How long a notification may take. Only a shared session costs this wait.
    private static let patience: Duration = .seconds(2)

    /// Whether a new connection leads to such a pooler.
    ///
    /// A pooler makes up the process ID that it reports. It shares sessions if the connection meets two processes, or if
    /// another connection meets the same one. On a busy pool neither may happen, so the session counts as the
    /// connection's own only if a notification reaches it between transactions.
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
        func process(of connection: PostgresConnection) throws(PostgresError) -> String? {
            var id: String?
            try connection.execute("SELECT pg_backend_pid()", until: deadline) { id = $0.text() }
            return id
        }
        let first = try process(of: connection)
        if first == "\(connection.processID)" { return false }
        // A pooler that takes turns has moved on; most reuse the session that came back last.
        if try process(of: connection) != first { return true }
        let other = try another()
        if try process(of: other) == first { return true }
        if try process(of: connection) != first { return true }
        return try !hearsNotifications(connection, from: other, until: deadline)
    }

    private static func hearsNotifications(
        _ connection: PostgresConnection,
        from other: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> Bool {
        let payload = "\(UInt64.random(in: 0...UInt64.max))"
        do throws(PostgresError) {
            // A shared session keeps listening until the pooler closes it, as UNLISTEN may run in another. That costs a
            // warning in the pooler's log, or a notification that a program ignores.
            try connection.execute("LISTEN refundd_pooler", until: deadline)
            // A commit that waits for a lost standby keeps the lock that NOTIFY needs.
            try other.execute("SET LOCAL lock_timeout = '500ms'; NOTIFY refundd_pooler, '\(payload)'", until: deadline)
        } catch {
            guard case .refused = error.kind else { throw error }
            return false
        }
        let wait = min(patience, ContinuousClock.now.duration(to: deadline) / 2)
        let isHeard = try connection.awaitNotification(of: payload, until: .now + wait)
        try connection.execute("UNLISTEN refundd_pooler", until: deadline)
        return isHeard
    }
}

extension PostgresConnection {
    /// Whether it leads to a pooler that may run each transaction in another session.
    var isPooled: Bool { transactionSetup != nil }
}
