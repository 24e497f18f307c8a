import GRDB
package import RefundCore

/// The endpoints and URLs that webhooks are held back from.
package struct EndpointStatus: Sendable {
    /// The most of each that are listed; the counts are of all.
    package static let listed = 100

    /// How many endpoints have an open breaker.
    package var openCount = 0
    /// Those that failed longest, by `scheme://host:port`.
    package var open: [(endpoint: String, breaker: OpenBreaker)] = []
    /// How many URLs are disabled.
    package var disabledCount = 0
    /// Those that were disabled last.
    package var disabled: [(url: String, health: URLHealth)] = []
}

extension StoreTransaction {
    /// The endpoints and URLs that webhooks are held back from.
    package func endpointStatus() throws -> EndpointStatus {
        var status = EndpointStatus()
        let open = try openBreakers(.endpoint).sorted { ($0.value.since, $0.key) < ($1.value.since, $1.key) }
        status.openCount = open.count
        status.open = open.prefix(EndpointStatus.listed).map { (endpoint: $0.key, breaker: $0.value) }
        let disabled = "refund_endpoints WHERE disabled_at IS NOT NULL"
        status.disabledCount = Int(clamping: try number("SELECT count(*) FROM \(disabled)", []) ?? 0)
        let sql = """
            SELECT failing_since, failed_at, disabled_at, reason, url FROM \(disabled)
            ORDER BY disabled_at DESC, url LIMIT \(EndpointStatus.listed)
            """
        status.disabled = try Row.fetchAll(statement(sql, [])).compactMap { row in
            guard let url = row.text(4), let health = URLHealth(row: row) else { return nil }
            return (url: url, health: health)
        }
        return status
    }
}
