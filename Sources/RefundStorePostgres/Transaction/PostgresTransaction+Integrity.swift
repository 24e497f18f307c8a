import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

extension PostgresTransaction {
    /// The server checks its own pages; `pg_amcheck` checks the structure.
    func integrity(limit: Int) throws(StoreError) -> Integrity { Integrity() }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let problems = try missingObjects()
            guard problems.isEmpty else { return problems }
            return try GuardCheck(tx: self).problems() + strays() + gap()
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
