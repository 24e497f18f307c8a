import RefundCore
import RefundStore

extension SQLiteTransaction {
    func claims() throws(StoreError) -> (refunds: Set<Int64>, webhooks: Set<String>) {
        try mapped {
            let refunds = try rows(
                try statements["SELECT id FROM refund_queue WHERE leased_until IS NOT NULL"]
            ) { $0.integer() }
            let webhooks = try rows(
                try statements["SELECT id FROM refund_outbox WHERE leased_until IS NOT NULL"]
            ) { $0.text() }
            return (Set(refunds), Set(webhooks))
        }
    }

    func disabledURLs() throws(StoreError) -> [String: String] {
        try mapped {
            let sql = "SELECT url, ifnull(reason, '') FROM refund_endpoints WHERE disabled_at IS NOT NULL"
            let found = try rows(try statements[sql]) { row -> (String, String)? in
                row.text().map { ($0, row.text() ?? "") }
            }
            return Dictionary(found) { first, _ in first }
        }
    }
}
