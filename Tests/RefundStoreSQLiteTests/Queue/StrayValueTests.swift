import RefundCore
import Testing

@testable import RefundStoreSQLite

/// Whatever a careless `UPDATE` left in a row, it is read without a trap and served on.
struct StrayValueTests {
    static let values = [
        "NULL", "'text'", "''", "x'ff00'", "CAST(x'ff' AS TEXT)", "1.5", "-1", "9223372036854775807",
        "-9223372036854775808", "1e300", "'9' || char(0) || '9'",
    ]
    private static let columns = [
        "metadata", "callback_url", "trans_status", "trans_amount", "trans_currency", "trans_end_at", "failure_code",
        "failure_message", "attempts", "last_query_at", "last_error", "updated_at", "next_query_at", "attention_told",
        "unknown_order", "gateway_trans_no", "orig_trans_no", "pay_channel_trans_no",
    ]
    private let database: TestDatabase

    init() throws {
        database = try TestDatabase()
    }

    @Test(arguments: columns)
    func aRefundIsServedOnWhateverStandsInItsRow(column: String) throws {
        for (index, value) in Self.values.enumerated() {
            let id = try database.enqueue("R-\(index)")
            try database.execute("UPDATE refund_queue SET \(column) = \(value) WHERE id = \(id)")
            let latest = later(3_960)
            try database.store.transaction { try $0.mendDueTimes(gateway: "default", at: now, latest: latest) }
            let due = try database.store.read { try $0.due(gateway: "default", at: now, limit: 100).map(\.id) }
            // Only a due time that may be ours is waited for.
            #expect(due == [id], "\(value)")
            let transitions = try database.happen(to: id) { machine in
                machine.answered(.inProgress) + machine.answered(.succeeded)
            }
            #expect(transitions.map(\.to) == [.processing, .settled], "\(value)")
            #expect(try database.refund(id)?.state == .settled, "\(value)")
        }
        for body in try database.column("SELECT body FROM refund_events") {
            #expect(throws: Never.self) { try JSONObject(parsing: body) }
        }
    }

    @Test(arguments: ["attempts", "next_attempt_at", "last_status", "last_error", "delivered_at", "url", "endpoint"])
    func aWebhookIsServedOnWhateverStandsInItsRow(column: String) throws {
        for (index, value) in Self.values.enumerated() {
            // The guards of the table itself refuse some; what they let in is read.
            let id = try database.enqueue("R-\(index)")
            try database.happen(to: id) { $0.answered(.succeeded) }
            let update = "UPDATE refund_outbox SET \(column) = \(value) WHERE refund_id = \(id)"
            guard (try? database.execute(update)) != nil else { continue }
            let endpoints = try database.store.read { try $0.waitingEndpoints(at: Timestamp(milliseconds: .max)).due }
            #expect(endpoints.count <= index + 1)
            for endpoint in endpoints {
                _ = try database.store.read { try $0.nextDelivery(endpoint: endpoint, after: now) }
                for delivery in try database.store.claim(endpoint, at: Timestamp(milliseconds: .max)) {
                    #expect(delivery.attempts >= 0 && delivery.attempts < .max)
                    #expect(try database.store.finish(delivery, .taken) == .delivered, "\(value)")
                }
            }
            guard column != "endpoint" else { continue }
            #expect(
                try database.column("SELECT state FROM refund_webhooks WHERE refund_id = \(id)") == ["delivered"],
                "\(value)"
            )
        }
    }

    @Test(arguments: ["NULL", "'soon'", "x'00'", "1e300", "0", "-1"])
    func aWebhookWithoutATimeIsDueAndAsksForNoEndlessWaking(time: String) throws {
        let id = try database.enqueue("R-1")
        try database.happen(to: id) { $0.answered(.succeeded) }
        try database.execute("UPDATE refund_outbox SET next_attempt_at = \(time)")
        let waiting = try database.store.read { try $0.waitingEndpoints(at: now) }
        #expect(waiting.due == ["hooks.example"])
        #expect(waiting.next == nil)
        #expect(try database.store.read { try $0.nextDelivery(endpoint: "hooks.example", after: now) } == nil)
        #expect(try database.store.claim().count == 1)
    }

    @Test func receiversAreListedToTheLastWhateverTheirNames() throws {
        let names = [
            "'a'", "'a' || char(0) || 'b'", "CAST(x'ff' AS TEXT)", "CAST(x'61ff' AS TEXT)", "'b'", "'é'", "x'01'", "''",
        ]
        try database.execute("DROP TRIGGER refund_outbox_identity")
        for (index, name) in names.enumerated() {
            let id = try database.enqueue("R-\(index)")
            try database.happen(to: id) { $0.answered(.succeeded) }
            try database.execute("UPDATE refund_outbox SET endpoint = \(name) WHERE refund_id = \(id)")
        }
        let listed = try database.store.read { try $0.waitingEndpoints(at: Timestamp(milliseconds: .max)).due }
        #expect(Set(["a", "b", "é"]).isSubset(of: listed))
        #expect(listed.count <= names.count)
    }
}
