import RefundCore
import RefundStoreSQLite

/// The outbox as a table for a terminal.
enum WebhookTable {
    static func lines(_ webhooks: [Record], at now: Timestamp) -> [String] {
        let head = ["ID", "REFUND", "TYPE", "STATE", "ATTEMPTS", "AGE", "NEXT ATTEMPT", "LAST ATTEMPT"]
        let rows = webhooks.map { webhook in
            [
                webhook.text("id") ?? "",
                webhook.text("refund_id").map { "#\($0)" } ?? "-",
                webhook.text("type") ?? "",
                webhook.text("state") ?? "",
                webhook.text("attempts") ?? "",
                webhook.timestamp("created_at").map { now.duration(since: $0).roughly } ?? "",
                RefundTable.wait(until: webhook.timestamp("next_attempt_at"), at: now),
                webhook.text("last_error") ?? webhook.text("last_status").map { "HTTP \($0)" } ?? "-",
            ]
        }
        return RefundTable.aligned([head] + rows)
    }
}
