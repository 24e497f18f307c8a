import GRDB

extension StoreTransaction {
    private static let isLeased = "leased_until IS NOT NULL"

    /// How many refunds and webhooks are claimed.
    package func leases() throws -> Int {
        let sql = """
            SELECT (SELECT count(*) FROM refund_queue WHERE \(Self.isLeased))
            + (SELECT count(*) FROM refund_outbox WHERE \(Self.isLeased))
            """
        return Int(clamping: try number(sql, []) ?? 0)
    }

    /// Ends claims that nobody holds: those of a daemon that is gone, or what a stray UPDATE left behind.
    ///
    /// Only the one daemon of a database may do this.
    ///
    /// - Parameters:
    ///   - refunds: The refunds whose query is in flight.
    ///   - webhooks: The webhooks whose attempt is in flight.
    /// - Throws: What SQLite says when it refuses.
    package func endLeases(except refunds: Set<Int64> = [], _ webhooks: Set<String> = []) throws {
        for row in try Row.fetchAll(statement("SELECT id FROM refund_queue WHERE \(Self.isLeased)", [])) {
            guard let id = row.integer(0), !refunds.contains(id) else { continue }
            try release(id)
        }
        // The attempt of a webhook that was overtaken while it was being sent has ended with its holder.
        let end = """
            UPDATE refund_outbox SET leased_until = NULL,
            next_attempt_at = CASE WHEN state = 'pending' AND \(Self.isOvertaken) THEN NULL ELSE next_attempt_at END,
            state = CASE WHEN state = 'pending' AND \(Self.isOvertaken) THEN 'superseded' ELSE state END
            WHERE id = ?
            """
        for row in try Row.fetchAll(statement("SELECT id FROM refund_outbox WHERE \(Self.isLeased)", [])) {
            guard let id = row.text(0), !webhooks.contains(id) else { continue }
            try execute(end, [id])
        }
    }
}
