import GRDB
package import RefundCore

extension StoreTransaction {
    static let isOpen = "state IN ('pending', 'processing')"
    /// Makes a refund due at a time unless it is due already: since when it is due tells how far behind refundd is.
    static let dueBy = "next_query_at = min(ifnull(next_query_at, ?1), ?1)"
    private static let isClaimable = "\(isOpen) AND leased_until IS NULL"
    // Left to itself, SQLite takes the index of states and goes through whatever is open.
    private static let byDueTime = "INDEXED BY refund_queue_due"
    private static let byAge = "INDEXED BY refund_queue_ageing"
    private static let isUntold = "\(isOpen) AND ifnull(attention, 'undeliverable') = 'undeliverable'"

    /// The names of all gateways that unfinished, unclaimed refunds name, known to the configuration or not.
    ///
    /// Steps from name to name along the index, so the cost grows with the names and not with the refunds.
    package func gatewaysInQueue() throws -> [String] {
        let next = "SELECT min(gateway) FROM refund_queue \(Self.byDueTime) WHERE \(Self.isClaimable) AND gateway > ?"
        var names: [String] = []
        while let name = try String.fetchOne(statement(next, [names.last ?? ""])) { names.append(name) }
        return names
    }

    /// Makes refunds due whose due time cannot be refundd's own: none at all, or further ahead than any wait.
    ///
    /// - Parameters:
    ///   - gateway: The gateway whose refunds are looked at.
    ///   - now: When they are due.
    ///   - latest: The latest due time that can be refundd's own.
    /// - Throws: What SQLite says when it refuses.
    package func mendDueTimes(gateway: String, at now: Timestamp, latest: Timestamp) throws {
        let update = """
            UPDATE refund_queue \(Self.byDueTime) SET next_query_at = ? WHERE \(Self.isClaimable) AND gateway = ?
            """
        try execute(update + " AND next_query_at IS NULL", [now.milliseconds, gateway])
        try execute(update + " AND next_query_at > ?", [now.milliseconds, gateway, latest.milliseconds])
    }

    /// When the earliest unclaimed refund of a gateway is due, or nil when it has none.
    ///
    /// - Parameters:
    ///   - gateway: The gateway.
    ///   - latest: The latest due time that can be refundd's own; a refund beyond it, or without any, is due at once.
    /// - Returns: The time, 0 for a refund that is due at once.
    /// - Throws: What SQLite says when it refuses.
    package func earliestDue(gateway: String, latest: Timestamp) throws -> Timestamp? {
        let open = "FROM refund_queue \(Self.byDueTime) WHERE \(Self.isClaimable) AND gateway = ?1"
        let sql = """
            SELECT CASE WHEN EXISTS (SELECT 1 \(open) AND next_query_at IS NULL)
            OR EXISTS (SELECT 1 \(open) AND next_query_at > ?2) THEN 0 ELSE (SELECT min(next_query_at) \(open)) END
            """
        return try number(sql, [gateway, latest.milliseconds]).map(Timestamp.init(milliseconds:))
    }

    /// The unclaimed refunds of a gateway that have been due longest, longest first.
    ///
    /// - Parameters:
    ///   - gateway: The gateway they are to be asked at.
    ///   - now: The time that decides what is due.
    ///   - limit: The most refunds to return.
    ///   - last: Only refunds behind this one are returned, which need not be due any more.
    /// - Returns: The refunds.
    /// - Throws: What SQLite says when it refuses.
    package func due(
        gateway: String,
        at now: Timestamp,
        limit: Int,
        after last: (due: Timestamp, id: Int64) = (Timestamp(milliseconds: .min), 0)
    ) throws -> [Refund] {
        let select = """
            SELECT \(Refund.columns) FROM refund_queue \(Self.byDueTime)
            WHERE \(Self.isClaimable) AND gateway = ? AND next_query_at <= ? AND (next_query_at, id) > (?, ?)
            ORDER BY next_query_at, id LIMIT ?
            """
        return try refunds(select, [gateway, now.milliseconds, last.due.milliseconds, last.id, limit])
    }

    /// Claims refunds.
    ///
    /// - Parameters:
    ///   - ids: The refunds.
    ///   - end: By when their holder means to report back.
    /// - Throws: What SQLite says when it refuses.
    package func lease(_ ids: [Int64], until end: Timestamp) throws {
        guard !ids.isEmpty else { return }
        let sql = "UPDATE refund_queue SET leased_until = ?, lease = lease + 1 WHERE id \(Self.isInList)"
        try execute(sql, [end.milliseconds, Self.list(ids)])
    }

    /// Gives a claimed refund back unchanged.
    package func release(_ id: Int64) throws {
        try execute("UPDATE refund_queue SET leased_until = NULL WHERE id = ?", [id])
    }

    /// Gives a claimed refund back, to be asked for later.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - time: When it is due.
    /// - Throws: What the database says.
    package func putBack(_ id: Int64, until time: Timestamp) throws {
        let sql = "UPDATE refund_queue SET leased_until = NULL, next_query_at = ? WHERE id = ?"
        try execute(sql, [time.milliseconds, id])
    }

    /// Gives a claimed webhook back, to be sent later unless a newer event has overtaken it.
    ///
    /// - Parameters:
    ///   - id: The webhook.
    ///   - time: When it is due.
    /// - Throws: What the database says.
    package func putBack(webhook id: String, until time: Timestamp) throws {
        let sql = """
            UPDATE refund_outbox SET leased_until = NULL, next_attempt_at = ?,
            state = CASE WHEN state = 'pending' AND \(Self.isOvertaken) THEN 'superseded' ELSE state END
            WHERE id = ?
            """
        try execute(sql, [time.milliseconds, id])
    }

    /// Makes every refund due at once that the configuration could not serve so far.
    package func retryMisconfigured(at now: Timestamp) throws {
        try execute(
            "UPDATE refund_queue SET \(Self.dueBy) WHERE attention = 'misconfigured' AND \(Self.isOpen)",
            [now.milliseconds]
        )
    }

    /// The unfinished refunds that were enqueued by a time and whose age nobody was told of yet, oldest first.
    ///
    /// - Parameters:
    ///   - createdBy: The latest enqueue time to look for.
    ///   - limit: The most refunds to return.
    /// - Returns: The refunds.
    /// - Throws: What SQLite says when it refuses.
    package func ageing(createdBy: Timestamp, limit: Int) throws -> [Refund] {
        let sql = """
            SELECT \(Refund.columns) FROM refund_queue \(Self.byAge)
            WHERE \(Self.isUntold) AND created_at <= ? ORDER BY created_at LIMIT ?
            """
        return try refunds(sql, [createdBy.milliseconds, limit])
    }

    /// When the oldest refund was enqueued whose age nobody was told of yet, or nil when there is none.
    package func oldestAgeing() throws -> Timestamp? {
        let sql = "SELECT min(created_at) FROM refund_queue \(Self.byAge) WHERE \(Self.isUntold)"
        return try number(sql, []).map(Timestamp.init(milliseconds:))
    }
}
