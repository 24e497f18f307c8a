import Testing

/// The guards of queue and ledger against whoever writes to the database.
struct GuardTests {
    private static let statements = [
        "DELETE FROM refund_queue",
        "DELETE FROM refund_transitions",
        "DELETE FROM refund_event_log",
        "UPDATE OR REPLACE refund_event_log SET rowid = 9",
        "UPDATE refund_events SET body = '{}'",
        "INSERT INTO refund_webhooks (id, state) VALUES ('msg_1', 'delivered')",
        "UPDATE refund_transitions SET reason = 'x'",
        "REPLACE INTO refund_queue (merchant_order_no) VALUES ('OK-1')",
        "INSERT OR REPLACE INTO refund_queue (id, merchant_order_no) SELECT id, 'R-2' FROM refund_queue",
        """
        REPLACE INTO refund_transitions SELECT id, refund_id, sequence, at, from_state, 'failed', attention, reason,
        trans_status, code, psn, response, actor, verdict, enqueued_at, number FROM refund_transitions
        """,
        "UPDATE refund_queue SET state = 'pending' WHERE merchant_order_no = 'OK-1'",
        "UPDATE refund_queue SET state = 'settled' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET state = 'paid' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET attention = 'overdue' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET merchant_order_no = 'R-2' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET trans_no = '4112' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET merchant_no = '1' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET gateway = 'second' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET expected_amount = '1', expected_currency = 'JPY' WHERE merchant_order_no = 'NEVER-1'",
        "UPDATE refund_queue SET id = 99 WHERE merchant_order_no = 'NEVER-1'",
    ]

    @Test(.endToEnd) func whatHappenedCannotBeRewritten() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.enqueue("NEVER-1")
            try await w.refund("OK-1", is: "settled")
            try await w.refund("NEVER-1", is: "processing")
            w.daemon?.kill()
            let before = try await contents(of: w)
            for statement in Self.statements {
                for pragmas in ["", "PRAGMA recursive_triggers = 1; PRAGMA foreign_keys = 1;"] {
                    let shell = try await w.shell(pragmas + statement)
                    #expect(shell.exitCode != 0, "\(statement)")
                    #expect(shell.errors.contains("refund_"), "\(statement): \(shell.errors)")
                }
                #expect(try await contents(of: w) == before, "\(statement)")
            }
        }
    }

    private func contents(of w: Workspace) async throws -> [JSON] {
        try await w.sql("SELECT * FROM refund_queue ORDER BY id")
            + w.sql("SELECT *, hex(response) AS bytes FROM refund_transitions ORDER BY id")
    }
}
