import Foundation
import RefundCore
import RefundStoreSQLite

@testable import RefundDaemon

extension EngineHarness {
    /// How many webhooks there are with a property.
    func webhookCount(where condition: String) throws -> Int {
        try number("SELECT count(*) FROM refund_webhooks WHERE \(condition)")
    }

    /// How many events of a type there are, webhook or not.
    func eventCount(_ type: EventType) throws -> Int {
        try number("SELECT count(*) FROM refund_events WHERE type = '\(type.rawValue)'")
    }

    /// How many attempts at webhooks of an endpoint have ended, or of all.
    func attempts(at endpoint: String? = nil) throws -> Int {
        let condition = endpoint.map { "WHERE endpoint = '\($0)'" } ?? ""
        return try number(
            "SELECT count(*) FROM refund_webhook_attempts a JOIN refund_webhooks w ON w.id = a.webhook_id \(condition)"
        )
    }

    private func number(_ query: String) throws -> Int {
        Int(try sqlite(query).filter(\.isNumber)) ?? -1
    }

    /// Adds webhooks to an endpoint, like the first one that went there, until it has so many; all are due.
    func multiply(endpoint: String, to count: Int) throws {
        try sqlite(
            """
            WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO refund_webhooks (id, type, url, body, next_attempt_at, created_at, endpoint, position)
            SELECT 'msg_more' || i, type, url, body, created_at, created_at, endpoint, position FROM n,
            (SELECT * FROM refund_webhooks WHERE endpoint = '\(endpoint)' LIMIT 1)
            """
        )
    }
}
