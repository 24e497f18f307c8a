import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// Claims that are lost with their connection or server, while another daemon makes some of the same numbers.
struct LostClaimTests {
    private let database: PostgresFixture
    private let other: PostgresStore

    init() throws {
        database = try PostgresFixture()
        other = try PostgresStore(database.settings)
        // Only a daemon has an id, which its claims carry.
        for store in [database.postgres, other] { _ = store.makeWakeSource {} }
    }

    private func write(_ store: any QueueStore, _ actions: [Write.Action], first: () -> Void = {}) throws {
        var request = CycleRequest(now: now)
        request.mustWrite = true
        _ = try store.cycle(request) { _ in
            first()
            return actions.map { Write($0) }
        }
    }

    private func endConnection() {
        _ = try? database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = '\(database.settings.schema)' AND state = 'idle in transaction'
            """
        )
    }

    private func claims() throws -> Int {
        try database.number(
            """
            SELECT (SELECT count(*) FROM refund_queue WHERE leased_until IS NOT NULL)
            + (SELECT count(*) FROM refund_outbox WHERE leased_until IS NOT NULL)
            """
        )
    }

    @Test func claimsThatWereNeverCommittedEndNoneOfAnotherDaemon() throws {
        defer { other.close() }
        let daemon = Daemon(database)
        let id = try database.enqueue("R-1")
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        let webhook = try #require(try database.column("SELECT id FROM refund_webhooks").first ?? nil)
        let claims: [Write.Action] = [
            .claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75)),
            .claimWebhooks([WebhookClaim(id: webhook, lease: 1)], until: later(75)),
        ]
        #expect(throws: StoreError.self) {
            try write(database.store, claims, first: endConnection)
        }
        #expect(try self.claims() == 0)
        try write(other, claims)
        try write(database.store, [])
        #expect(try self.claims() == 2)
    }

    @Test func claimThatIsMadeAgainBesideARejectedRowStays() throws {
        defer { other.close() }
        let id = try database.enqueue("R-1")
        let claim = Write.Action.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75))
        let rejected = Write.Action.claimWebhooks([WebhookClaim(id: "msg_none", lease: 1)], until: later(75))
        #expect(throws: StoreError.self) { try write(database.store, [claim], first: endConnection) }
        try write(database.store, [claim, rejected])
        #expect(try claims() == 1)
        try write(database.store, [])
        #expect(try claims() == 1)
    }

    /// Claims a webhook, and lets an asynchronous standby take over that has not received the claim.
    private func loseClaim() throws -> Delivery {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        let lost = try #require(try daemon.claim().first)
        try database.execute(
            """
            SET session_replication_role = replica;
            UPDATE refund_outbox SET lease = 0, leased_until = NULL, claimed_by = NULL;
            RESET session_replication_role
            """
        )
        return lost
    }

    @Test func attemptUnderAClaimThatTheServerHasLostIsNotRecorded() throws {
        defer { other.close() }
        let daemon = Daemon(database)
        let lost = try loseClaim()
        try daemon.finish(lost, .accepted)
        #expect(try database.number("SELECT count(*) FROM refund_outbox_attempts") == 0)
        let again = try #require(try daemon.claim().first)
        #expect(again.lease == lost.lease)
        try daemon.finish(again, .accepted, at: later(1))
        #expect(try database.column("SELECT state FROM refund_outbox") == ["delivered"])
    }

    @Test func attemptOfALostClaimIsNotRecordedUnderThatOfAnotherDaemon() throws {
        defer { other.close() }
        let daemon = Daemon(database)
        let lost = try loseClaim()
        let claim = WebhookClaim(id: lost.id, lease: lost.lease)
        try write(other, [.claimWebhooks([claim], until: later(75))])
        try daemon.finish(lost, .accepted)
        #expect(try database.number("SELECT count(*) FROM refund_outbox_attempts") == 0)
        try daemon.write(.releaseWebhook(claim))
        #expect(try claims() == 1, "the other daemon's attempt is still in flight")
        let result = AttemptRecord.Result.delivered(at: later(1))
        var record = AttemptRecord(delivery: lost, outcome: .accepted, sentAt: later(1), result: result)
        try write(other, [.attempt(record)])
        record.sentAt = now
        #expect(try daemon.write(.attempt(record)).isEmpty)
        #expect(try database.column("SELECT at FROM refund_outbox_attempts") == ["\(later(1).milliseconds)"])
    }

    @Test func expiredClaimOfAnyDaemonEnds() throws {
        defer { other.close() }
        let daemon = Daemon(database)
        let id = try database.enqueue("R-1")
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        try write(other, [.claimRefunds([RefundClaim(id: id, lease: 1)], until: later(75))])
        let webhook = try #require(try database.column("SELECT id FROM refund_webhooks").first ?? nil)
        try write(other, [.claimWebhooks([WebhookClaim(id: webhook, lease: 1)], until: later(75))])
        var request = CycleRequest(now: later(76))
        request.claims = ClaimRequest(at: later(76), ["default": .init(permits: 0)])
        _ = try database.store.cycle(request) { input in
            input.expiredRefunds.map { Write(.releaseRefund(RefundClaim(id: $0.key, lease: $0.value))) }
                + input.expiredWebhooks.map { Write(.releaseWebhook(WebhookClaim(id: $0.key, lease: $0.value))) }
        }
        #expect(try claims() == 0)
    }
}
