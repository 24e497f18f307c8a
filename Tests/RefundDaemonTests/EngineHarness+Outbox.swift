import Foundation
import RefundCore
import RefundStoreSQLite

@testable import RefundDaemon

extension EngineHarness {
    /// How many webhooks there are with a property.
    func webhookCount(where condition: String) throws -> Int {
        try number("SELECT count(*) FROM refund_outbox WHERE \(condition)")
    }

    /// How many events of a type there are, webhook or not.
    func eventCount(_ type: EventType) throws -> Int {
        try number("SELECT count(*) FROM refund_events WHERE type = '\(type.rawValue)'")
    }

    /// How many attempts at webhooks of an endpoint have ended, or of all.
    func attempts(at endpoint: String? = nil) throws -> Int {
        let condition = endpoint.map { "WHERE endpoint = '\($0)'" } ?? ""
        return try number(
            "SELECT count(*) FROM refund_outbox_attempts a JOIN refund_outbox w USING (position) \(condition)"
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
            INSERT INTO refund_event_log (at, type, refund_id, sequence, state, body)
            SELECT at, type, 1000000 + i, (SELECT max(position) FROM refund_event_log) + i, state, body FROM n,
            (SELECT e.* FROM refund_event_log e JOIN refund_outbox USING (position)
            WHERE endpoint = '\(endpoint)' LIMIT 1);
            INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, next_attempt_at)
            SELECT e.position, 'msg_more' || e.position, e.refund_id, e.type, url, endpoint, at FROM refund_event_log e,
            (SELECT url, endpoint FROM refund_outbox WHERE endpoint = '\(endpoint)' LIMIT 1)
            WHERE e.refund_id > 1000000 AND NOT EXISTS
            (SELECT 1 FROM refund_outbox o WHERE o.position = e.position)
            """
        )
    }
}
