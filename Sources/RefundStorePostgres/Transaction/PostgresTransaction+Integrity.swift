import RefundCore
import RefundPostgres
import RefundStore

extension PostgresTransaction {
    /// The server checks its own pages; `pg_amcheck` checks the structure.
    func integrity(limit: Int) throws(StoreError) -> Integrity { Integrity() }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let problems = try missingObjects()
            guard problems.isEmpty else { return problems }
            return try GuardCheck(tx: self).problems() + strays() + gap() + unrecorded()
        }
    }

    // MARK: - Tables, guards and indexes

    private func missingObjects() throws -> [String] {
        let sql = """
            SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'v' THEN 'view ' WHEN 'S' THEN 'sequence ' ELSE 'index ' END
            || relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace
            UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
            UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled IN ('O', 'A')
            """
        let found = Set(try rows(flight.add(sql)) { $0.text() })
        return Self.objects.filter { !found.contains($0) }.map { "\($0) is missing or disabled" }
    }

    /// Everything that the migrations create, by kind and name.
    private static let objects: [String] = {
        let created = /CREATE (?:UNIQUE |CONSTRAINT )?(TABLE|VIEW|SEQUENCE|INDEX|FUNCTION|TRIGGER) (refund_\w+)/
        return Migration.all.flatMap { $0.sql }.flatMap { sql in
            sql.matches(of: created).map { "\($0.1.lowercased()) \($0.2)" }
        }
    }()

    // MARK: - Rows

    private func strays() throws -> [String] {
        let stray = { (what: String, sql: String) -> String? in
            let count = try self.number("SELECT count(*) FROM \(sql)") ?? 0
            return count == 0 ? nil : "\(count) \(what)"
        }
        let counts = [("refund_queue", RefundState.allCases.map(\.rawValue)), ("refund_outbox", WebhookState.names)]
            .flatMap { table, states in
                states.map { state in
                    """
                    SELECT (SELECT count(*) FROM \(table) WHERE state = '\(state)') AS actual, (SELECT number
                    FROM refund_counted WHERE counted = '\(table)' AND state = '\(state)') AS number
                    """
                }
            }
        return try [
            stray(
                "webhook(s) belong to no event",
                "refund_outbox o WHERE NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.position = o.position)"
            ),
            stray(
                "attempt(s) belong to no webhook",
                "refund_outbox_attempts a WHERE NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = a.position)"
            ),
            stray(
                "ledger row(s) belong to another refund than their refund_id says",
                "refund_transitions t JOIN refund_queue q ON q.id = t.refund_id WHERE t.enqueued_at <> q.created_at "
                    + "OR t.number <> coalesce(q.merchant_order_no, q.trans_no, '')"
            ),
            stray(
                "refund(s) are recorded as pruned and still there",
                "refund_pruned_refunds p JOIN refund_queue q ON q.id = p.refund_id"
            ),
            stray(
                "number(s) in refund_counts are wrong",
                "(\(counts.joined(separator: " UNION ALL "))) c WHERE number IS DISTINCT FROM actual"
            ),
        ].compactMap(\.self)
    }

    private func unrecorded() throws -> [String] {
        let recorded = try number("SELECT coalesce(sum(refunds), 0)::bigint FROM refund_pruned") ?? 0
        let left = try number("SELECT count(*) FROM refund_pruned_refunds") ?? 0
        return recorded == left
            ? [] : ["refund_pruned counts \(recorded) pruned refunds, but refund_pruned_refunds has \(left)"]
    }

    // Positions are numbered without gaps but those that were recorded or pruned; ids have gaps, since a rollback uses one up.
    private func gap() throws -> [String] {
        let sql = """
            SELECT p.position - (SELECT count(*) FROM refund_event_log)
            - (SELECT coalesce(sum(before - after - 1), 0) FROM refund_event_gaps)::bigint
            - (SELECT coalesce(sum(events), 0) FROM refund_pruned)::bigint FROM refund_event_position p
            """
        guard let missing = try number(sql) else { return ["refund_event_position has no row"] }
        return missing == 0 ? [] : ["refund_event_log lacks \(missing) of its rows; somebody deleted them"]
    }
}

extension WebhookState {
    fileprivate static var names: [String] { allCases.map(\.rawValue) }
}
