import Dispatch
import RefundCore
import RefundPostgres
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Synchronization
import Testing

/// Rows that another daemon claims, and is done with, after a cycle has read and before it has locked them.
struct OutdatedReadTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    /// Reads a cycle's input while statements change rows, as soon as the cycle waits for a table.
    private func input(
        sendsWebhooks: Bool,
        waitingFor table: String,
        _ statements: String
    ) throws -> CycleInput {
        try database.execute("BEGIN; LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE")
        let input = Mutex(CycleInput())
        let (store, cycle) = (database.postgres, DispatchGroup())
        DispatchQueue(label: "cycle").async(group: cycle) {
            var limiter = EndpointLimiter(capacity: 16)
            limiter.started("hooks.example", at: now)
            _ = limiter.ended("hooks.example", "msg", .accepted, at: now)
            var request = CycleRequest(now: now)
            request.claims = ClaimRequest(["default": .init(permits: 1)], endpoints: sendsWebhooks ? limiter : nil)
            _ = try? store.cycle(request) { read in
                input.withLock { $0 = read }
                return []
            }
        }
        do {
            let waiting = "SELECT count(*) FROM pg_locks WHERE relation = '\(table)'::regclass AND NOT granted"
            while try database.number(waiting) == 0, cycle.wait(timeout: .now()) == .timedOut {}
            try database.execute("SET LOCAL session_replication_role = replica; \(statements); COMMIT")
        } catch {
            try? database.execute("ROLLBACK")
            throw error
        }
        cycle.wait()
        return input.withLock(\.self)
    }

    @Test func webhookWhoseRetryWaitsIsNotSent() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        // The bodies are read once the webhooks are locked.
        let failed = "UPDATE refund_outbox SET lease = 1, attempts = 1, next_attempt_at = \(later(60).milliseconds)"
        let input = try input(sendsWebhooks: true, waitingFor: "refund_event_log", failed)
        #expect(input.endpoints.map(\.endpoint) == ["hooks.example"])
        #expect(input.endpoints.flatMap(\.deliveries).isEmpty)
    }

    @Test(arguments: ["lease = 1", "state = 'settled'"])
    func hintedRefundThatHasChangedIsNotClaimed(change: String) throws {
        try database.enqueue("R-1")
        try database.execute(
            """
            UPDATE refund_queue SET next_query_at = \(later(60).milliseconds);
            INSERT INTO refund_hints (merchant_order_no) VALUES ('R-1')
            """
        )
        // A daemon that sends no webhooks counts them after it has read the hints, and before it locks their refunds.
        let input = try input(sendsWebhooks: false, waitingFor: "refund_counts", "UPDATE refund_queue SET \(change)")
        #expect(input.gateways["default"]?.hinted.isEmpty == true)
    }
}
