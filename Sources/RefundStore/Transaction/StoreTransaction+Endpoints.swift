import GRDB
public import RefundCore

extension StoreTransaction {
    /// What is known against a URL that webhooks go to, or nil while nothing is.
    public func health(ofURL url: String) throws -> URLHealth? {
        let sql = "SELECT failing_since, failed_at, disabled_at, reason FROM refund_endpoints WHERE url = ?"
        return try Row.fetchOne(statement(sql, [url])).flatMap(URLHealth.init(row:))
    }

    /// Remembers what is known against a URL.
    ///
    /// - Parameters:
    ///   - health: What is known, or nil for nothing.
    ///   - url: The exact URL.
    /// - Throws: What SQLite says when it refuses.
    public func setHealth(_ health: URLHealth?, ofURL url: String) throws {
        guard let health else { return try enableEndpoint(url: url) }
        let sql = """
            INSERT OR REPLACE INTO refund_endpoints (url, failing_since, failed_at, disabled_at, reason)
            VALUES (?, ?, ?, ?, ?)
            """
        let disabling = health.disabling
        try execute(
            sql,
            [
                url, health.failingSince.milliseconds, health.lastFailure.milliseconds, disabling?.at.milliseconds,
                disabling?.reason,
            ]
        )
    }

    /// Lets webhooks be sent to a URL again, and forgets that it failed.
    public func enableEndpoint(url: String) throws {
        try execute("DELETE FROM refund_endpoints WHERE url = ?", [url])
    }
}

extension URLHealth {
    init?(row: Row) {
        guard let failingSince = row.timestamp(0), let lastFailure = row.timestamp(1) else { return nil }
        self.init(failingSince: failingSince, lastFailure: lastFailure)
        disabling = row.timestamp(2).map { Disabling(at: $0, reason: row.text(3) ?? "") }
    }
}
