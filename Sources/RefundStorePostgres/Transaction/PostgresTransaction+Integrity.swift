import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreSQL

extension PostgresTransaction {
    /// The server checks its own pages; `pg_amcheck` checks the structure.
    func integrity(limit: Int) throws(StoreError) -> Integrity { Integrity() }

    func schemaProblems() throws(StoreError) -> [String] {
        try mapped {
            let check = SchemaCheck(tx: self)
            let problems = try check.missing()
            // Rows can be read only if all tables are there.
            guard problems.isEmpty else { return problems }
            return try check.changed() + strays() + gaps()
        }
    }

    // Positions are numbered without gaps but those that were recorded or pruned; ids have gaps, since a rollback uses one up.
    private func gaps() throws -> [String] {
        let sql = """
            SELECT p.position - (SELECT count(*) FROM refund_event_log)
            - (SELECT coalesce(sum(before - after - 1), 0) FROM refund_event_gaps)::bigint
            - (SELECT coalesce(sum(events), 0) FROM refund_pruned)::bigint FROM refund_event_position p
            """
        guard let missing = try number(sql) else { return ["refund_event_position has no row"] }
        return missing == 0 ? [] : ["refund_event_log lacks \(missing) of its rows; somebody deleted them"]
    }
}
