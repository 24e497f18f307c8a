import GRDB
package import RefundCore

extension StoreTransaction {
    /// What is known against some URLs that webhooks go to; nothing is of most.
    package func health(ofURLs urls: Set<String>) throws -> [String: URLHealth] {
        let sql = """
            SELECT failing_since, failed_at, disabled_at, reason, url FROM refund_endpoints WHERE url \(Self.isInList)
            """
        return try Row.fetchAll(statement(sql, [Self.list(urls)])).reduce(into: [:]) { known, row in
            if let url = row.text(4) { known[url] = URLHealth(row: row) }
        }
    }

    /// Remembers what is known against a URL.
    ///
    /// - Parameters:
    ///   - health: What is known, or nil for nothing.
    ///   - url: The exact URL.
    /// - Throws: What SQLite says when it refuses.
    package func setHealth(_ health: URLHealth?, ofURL url: String) throws {
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
    package func enableEndpoint(url: String) throws {
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
