import GRDB
package import RefundCore

/// What a circuit breaker guards.
package enum BreakerKind: String, Sendable {
    /// A gateway, by its name in the configuration.
    case gateway
    /// An endpoint, `scheme://host:port`.
    case endpoint
}

/// A breaker that is open.
package struct OpenBreaker: Hashable, Sendable {
    /// Since when.
    package var since: Timestamp
    /// The fault that opened it, in words.
    package var reason: String

    /// Creates an open breaker.
    package init(since: Timestamp, reason: String) {
        self.since = since
        self.reason = reason
    }
}

extension StoreTransaction {
    /// Shows to every process that a breaker of the daemon is open, or no more.
    ///
    /// - Parameters:
    ///   - kind: What it guards.
    ///   - name: Which of those.
    ///   - open: Since when and why it is open, or nil once it is closed.
    /// - Throws: What SQLite says when it refuses.
    package func setBreaker(_ kind: BreakerKind, _ name: String, _ open: OpenBreaker?) throws {
        guard let open else {
            return try execute("DELETE FROM refund_breakers WHERE kind = ? AND name = ?", [kind.rawValue, name])
        }
        try execute(
            "INSERT OR REPLACE INTO refund_breakers (kind, name, since, reason) VALUES (?, ?, ?, ?)",
            [kind.rawValue, name, open.since.milliseconds, open.reason]
        )
    }

    /// Removes the breakers of a daemon that is gone: every breaker starts closed.
    package func removeBreakers() throws {
        try execute("DELETE FROM refund_breakers", [])
    }

    /// The open breakers of one kind by name.
    package func openBreakers(_ kind: BreakerKind) throws -> [String: OpenBreaker] {
        let sql = "SELECT name, since, reason FROM refund_breakers WHERE kind = ?"
        let pairs = try Row.fetchAll(statement(sql, [kind.rawValue])).compactMap { row -> (String, OpenBreaker)? in
            guard let name = row.text(0), let since = row.timestamp(1) else { return nil }
            return (name, OpenBreaker(since: since, reason: row.text(2) ?? ""))
        }
        return Dictionary(pairs) { first, _ in first }
    }
}
