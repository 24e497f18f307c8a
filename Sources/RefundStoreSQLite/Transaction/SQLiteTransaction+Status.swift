import RefundCore
import RefundStore
import RefundStoreSQL

extension SQLiteTransaction {
    func complete(_ status: inout QueueStatus, at now: Timestamp) throws {
        let pageSize = try number("PRAGMA page_size") ?? 0
        status.walBytes = DatabaseFiles.walSize(path: store.path)
        status.fileBytes = (try number("PRAGMA page_count") ?? 0) * pageSize
        status.freeBytes = (try number("PRAGMA freelist_count") ?? 0) * pageSize
    }

    func lastRecordedAt() throws(StoreError) -> Timestamp? {
        try mapped {
            let sql = """
                SELECT max(at) FROM (
                    SELECT * FROM (SELECT at FROM refund_transitions ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT * FROM (SELECT at FROM refund_outbox_attempts ORDER BY id DESC LIMIT 1)
                    UNION ALL SELECT last_verified_at FROM refund_gateways
                    UNION ALL SELECT last_error_at FROM refund_gateways
                )
                """
            return try statements[sql].first { $0.timestamp() }
        }
    }

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
}
