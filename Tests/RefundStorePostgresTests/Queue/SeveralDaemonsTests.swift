import RefundCore
import RefundPostgres
import RefundPostgresSupport
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// Stores of several daemons on one queue.
struct SeveralDaemonsTests {
    private let database: PostgresFixture
    private let other: PostgresStore

    init() throws {
        database = try PostgresFixture()
        other = try PostgresStore(database.settings)
    }

    private func claims(permits: Int) -> CycleRequest {
        var request = CycleRequest(now: now)
        var limiter = EndpointLimiter(capacity: 16)
        limiter.started("hooks.example", at: now)
        _ = limiter.ended("hooks.example", "msg", .accepted, at: now)
        request.claims = ClaimRequest(["default": .init(permits: permits)], endpoints: limiter)
        request.claims?.includesUnknownGateways = true
        return request
    }

    private func due(_ input: CycleInput) -> [Int64] {
        let due = input.gateways["default"] ?? DueRefunds()
        return (due.new + due.waiting).map(\.refund.id)
    }

    @Test func whatOneDecidesAboutAnotherPassesOver() throws {
        for number in 1...4 { try database.enqueue("R-\(number)") }
        var seen: [[Int64]] = []
        _ = try database.store.cycle(claims(permits: 2)) { input in
            seen.append(due(input))
            _ = try? other.cycle(claims(permits: 2)) { input in
                seen.append(due(input))
                return []
            }
            return [Write(.claimRefunds(due(input).map { RefundClaim(id: $0, lease: 1) }, until: later(75)))]
        }
        #expect(seen == [[1, 2], [3, 4]])
        #expect(
            try database.column("SELECT id FROM refund_queue WHERE leased_until IS NOT NULL ORDER BY id") == ["1", "2"]
        )
    }

    @Test func webhooksOfOneRefundAreNeverSentByTwo() throws {
        let daemon = Daemon(database)
        let id = try database.enqueue("R-1")
        try daemon.happen(to: id) { $0.answered(.processing) }
        try daemon.happen(to: id) { $0.answered(.settled) }
        for webhook in try database.column("SELECT id FROM refund_webhooks").compactMap(\.self) {
            _ = try other.write { tx throws(StoreError) in try tx.redeliver(webhook, by: "ada", at: now) }
        }
        var seen: [Int] = []
        _ = try database.store.cycle(claims(permits: 0)) { input in
            let deliveries = input.endpoints.flatMap(\.deliveries)
            seen.append(deliveries.count)
            _ = try? other.cycle(claims(permits: 0)) { input in
                seen.append(input.endpoints.flatMap(\.deliveries).count)
                return []
            }
            return [
                Write(
                    .claimWebhooks(deliveries.map { WebhookClaim(id: $0.id, lease: $0.lease + 1) }, until: later(75))
                )
            ]
        }
        _ = try other.cycle(claims(permits: 0)) { input in
            seen.append(input.endpoints.flatMap(\.deliveries).count)
            return []
        }
        #expect(seen == [1, 0, 0], "one webhook of a refund is in flight at a time")
    }

    @Test func lostConnectionIsReplaced() throws {
        try database.enqueue("R-1")
        try database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(database.settings.schema)'
            """
        )
        #expect(try database.store.hasForeignCommits(), "who knows")
        #expect(try Daemon(database).due() == [1])
    }

    @Test func connectionLostInACycleWritesNothing() throws {
        let id = try database.enqueue("R-1")
        #expect(throws: StoreError.self) {
            try database.store.cycle(claims(permits: 1)) { input in
                try? database.execute(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE application_name = '\(database.settings.schema)' AND state = 'idle in transaction'
                    """
                )
                return [Write(.claimRefunds(due(input).map { RefundClaim(id: $0, lease: 1) }, until: later(75)))]
            }
        }
        #expect(try database.column("SELECT lease FROM refund_queue") == ["0"])
        #expect(try Daemon(database).due() == [id])
    }

    /// A commit that waits for a standby is written on the server already when its connection is lost.
    @Test(.serialized, arguments: [false, true])
    func claimsOfACommitOfUnknownOutcomeAreMadeAgainAtOnce(isOneRejected: Bool) async throws {
        let server = try PostgresServer()
        let database = try PostgresFixture(on: server)
        let daemon = Daemon(database)
        let id = try database.enqueue("R-1")
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        let webhook = try #require(try database.column("SELECT id FROM refund_webhooks").first ?? nil)
        let rejected = try database.enqueue("R-3", ["gateway": "'other'"])
        if isOneRejected {
            try database.reject("UPDATE", of: "refund_queue", when: "NEW.merchant_order_no = 'R-3'", "no")
        }
        try server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try server.execute("SELECT pg_reload_conf()")
        let ending = Task {
            let connection = try server.connect()
            while !Task.isCancelled {
                try connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
                    until: .now.advanced(by: .seconds(30))
                )
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        // The server's processes take the setting up one after the other; until then commits succeed.
        while (try? daemon.write(.heartbeat(at: now))) != nil {}
        #expect(throws: StoreError.self) {
            try daemon.write(
                .claimRefunds([id, rejected].map { RefundClaim(id: $0, lease: 1) }, until: later(75)),
                .claimWebhooks([WebhookClaim(id: webhook, lease: 1)], until: later(75))
            )
        }
        ending.cancel()
        _ = await ending.result
        try server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        try server.execute("SELECT pg_reload_conf()")
        let claimed = "SELECT id FROM refund_queue WHERE leased_until IS NOT NULL AND id <> \(rejected)"
        #expect(try database.column(claimed) == ["\(id)"], "it was written")
        let input = try daemon.claims()
        #expect(input.gateways["default"]?.new.map(\.refund.id) == [id])
        #expect(input.endpoints.flatMap(\.deliveries).map(\.id) == [webhook])
        #expect(try database.column(claimed) == [])
    }

    @Test func cycleThatWritesNothingLocksNothing() throws {
        try database.enqueue("R-1")
        _ = try database.store.cycle(claims(permits: 1)) { _ in [] }
        try database.execute("SET lock_timeout = '1s'; BEGIN; SELECT 1 FROM refund_queue FOR UPDATE NOWAIT; ROLLBACK")
    }

    @Test func operatorsChangeWakesWhoeverListens() throws {
        let application = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try application.execute("LISTEN refund_queue", until: soon)
        let id = try database.enqueue("R-1")
        #expect(try !application.awaitNotification(of: database.settings.schema, until: .now), "no daemon sleeps")
        try other.write { tx throws(StoreError) in try tx.requestQuery(id, by: "ada", at: now) }
        #expect(try application.awaitNotification(of: database.settings.schema, until: soon))
    }

    @Test func insertWakesADaemonThatSleeps() throws {
        let application = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try application.execute("LISTEN refund_queue", until: soon)
        try database.execute(
            """
            INSERT INTO refund_daemons (id, host, pid, version, started, seen, wakes_at)
            VALUES (7, 'h', 1, 'v', 0, 0, refund_now() + 60000)
            """
        )
        try database.execute("BEGIN; INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        #expect(try !application.awaitNotification(of: database.settings.schema, until: .now), "not before the commit")
        try database.execute("COMMIT")
        #expect(try application.awaitNotification(of: database.settings.schema, until: soon))
        try database.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1') ON CONFLICT DO NOTHING")
        #expect(try !application.awaitNotification(of: database.settings.schema, until: .now), "nothing was inserted")
    }
}
