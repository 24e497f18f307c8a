import GRDB
import GRDBSQLite
import RefundCore
import Testing

@testable import RefundStoreSQLite

/// URLs that are disabled, and what a claim for one endpoint costs beside others.
struct EndpointTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }
    private let disabled = URLHealth(
        failingSince: later(-10),
        lastFailure: later(-1),
        disabling: URLHealth.Disabling(at: later(-1), reason: "HTTP 410")
    )

    init() throws {
        database = try TestDatabase()
    }

    /// Refunds with one webhook each to this URL, due in this order; returns the webhooks.
    @discardableResult
    private func enqueue(_ count: Int, url: String, due seconds: Int = 0) throws -> [String] {
        let first = try Int(database.column("SELECT count(*) FROM refund_queue")[0]) ?? 0
        for number in first..<first + count {
            let id = try database.enqueue("R-\(number)")
            try database.happen(to: id, url: url) { $0.answered(.settled) }
            let due = later(seconds).milliseconds + Int64(number)
            try database.execute("UPDATE refund_outbox SET next_attempt_at = \(due) WHERE refund_id = \(id)")
        }
        return (first + 1...first + count).map { "msg_\($0)" }
    }

    private func disable(_ url: String) throws {
        try store.transaction { tx in try tx.setHealth(disabled, ofURL: url) }
    }

    @Test func whatIsKnownOfAURLIsRememberedUntilItIsEnabled() throws {
        let failing = URLHealth(failingSince: now, lastFailure: later(1))
        try store.transaction { tx in
            try tx.setHealth(failing, ofURL: "https://a.example/1")
            try tx.setHealth(disabled, ofURL: "https://a.example/2")
            try tx.setHealth(disabled, ofURL: "https://a.example/3")
            try tx.setHealth(nil, ofURL: "https://a.example/3")
        }
        // A URL is known by its exact text.
        let urls = (1...3).map { "https://a.example/\($0)" } + ["https://A.example/1"]
        let known = try store.read { try $0.health(ofURLs: Set(urls)) }
        #expect(known == [urls[0]: failing, urls[1]: disabled])
        try store.transaction { tx in try tx.enableEndpoint(url: "https://a.example/2") }
        #expect(try database.column("SELECT url FROM refund_endpoints") == ["https://a.example/1"])
    }

    @Test func webhooksToADisabledURLAreFoundAndNotClaimed() throws {
        let gone = try enqueue(3, url: "https://a.example/gone")
        let good = try enqueue(2, url: "https://a.example/good")
        try disable("https://a.example/gone")
        let claim = try store.claimAll("a.example", at: later(10))
        #expect(claim.deliveries.map(\.id) == good)
        #expect(claim.unsendable.map(\.delivery.id) == gone)
        #expect(claim.unsendable.allSatisfy { $0.reason.contains("HTTP 410") })
        #expect(!claim.isCut)
        try store.transaction { tx in
            for (delivery, reason) in claim.unsendable { try tx.giveUp(webhook: delivery.id, reason: reason) }
        }
        #expect(
            try database.rows("SELECT state, attempts, next_attempt_at FROM refund_webhooks WHERE id <= 'msg_3'")
                == Array(repeating: ["dead", "0", "-"], count: 3)
        )
        #expect(try database.rows("SELECT * FROM refund_webhook_attempts").isEmpty)
        #expect(try store.claimAll("a.example", at: later(10)).unsendable.isEmpty)
    }

    @Test func whatIsBehindManyOfADisabledURLIsClaimedWithThem() throws {
        try enqueue(20, url: "https://a.example/gone")
        let good = try enqueue(1, url: "https://a.example/good")
        try disable("https://a.example/gone")
        let claim = try store.claimAll("a.example", at: later(10), limit: 1, unsendableLimit: 5)
        #expect(claim.deliveries.map(\.id) == good)
        #expect(claim.unsendable.count == 5)
        #expect(claim.isCut)
    }

    @Test func webhookInFlightIsNotGivenUp() throws {
        let ids = try enqueue(1, url: "https://a.example/x")
        _ = try store.claim("a.example", at: later(10))
        try store.transaction { tx in try tx.giveUp(webhook: ids[0], reason: "no") }
        #expect(try database.column("SELECT state FROM refund_webhooks") == ["pending"])
    }

    @Test func aProbeIsAWebhookWhoseURLIsNotKnownToFail() throws {
        let bad = try enqueue(5, url: "https://a.example/bad")
        let good = try enqueue(1, url: "https://a.example/good")
        let failing = URLHealth(failingSince: now, lastFailure: now)
        try store.transaction { tx in try tx.setHealth(failing, ofURL: "https://a.example/bad") }
        let first = try store.claimAll("a.example", at: later(10), limit: 1, isProbe: true)
        #expect(first.deliveries.map(\.id) == good)
        let second = try store.claimAll("a.example", at: later(10), limit: 1, isProbe: true)
        #expect(second.deliveries.map(\.id) == [bad[0]], "when all fail, the longest due")
    }

    // MARK: - What it costs

    /// How many steps SQLite's machine takes to claim what is due for one endpoint and to see which endpoints wait.
    private func steps() throws -> Int {
        var steps = 0
        try store.transaction { tx in
            var statements: [String] = []
            tx.db.trace { event in
                if case .statement(let statement) = event { statements.append(statement.sql) }
            }
            _ = try tx.waitingEndpoints(at: later(1_000))
            let claim = try tx.claimDeliveries(
                endpoint: "b.example",
                at: later(1_000),
                latest: .distant,
                leaseUntil: later(1_000),
                limit: 1,
                unsendableLimit: 10
            )
            #expect(claim.deliveries.count == 1)
            tx.db.trace(options: [])
            for sql in statements where !sql.hasPrefix("--") {
                let statement = try tx.db.cachedStatement(sql: sql)
                steps += Int(unsafe sqlite3_stmt_status(statement.sqliteStatement, SQLITE_STMTSTATUS_VM_STEP, 1))
            }
            try tx.db.execute(sql: "UPDATE refund_outbox SET leased_until = NULL WHERE leased_until IS NOT NULL")
        }
        return steps
    }

    @Test func tenThousandWebhooksOfOneEndpointCostAnotherNothing() throws {
        try enqueue(2, url: "https://b.example/in")
        try enqueue(2, url: "https://a.example/in")
        try enqueue(2, url: "https://c.example/in")
        _ = try steps()
        let few = try steps()
        for endpoint in ["a.example", "c.example"] {
            try database.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
                INSERT INTO refund_event_log (at, type, refund_id, sequence, body)
                SELECT i, 'refund.settled', 1000000 + i, (SELECT max(position) FROM refund_event_log) + i, '{}' FROM n;
                INSERT INTO refund_outbox (position, id, refund_id, type, url, endpoint, next_attempt_at)
                SELECT position, 'x' || position, refund_id, type, 'https://\(endpoint)/in', '\(endpoint)', at
                FROM refund_event_log e WHERE refund_id > 1000000
                AND NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = e.position)
                """
            )
        }
        #expect(few > 0)
        #expect(try steps() == few)
    }
}
