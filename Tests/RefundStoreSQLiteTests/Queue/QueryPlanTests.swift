import GRDB
import GRDBSQLite
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

@testable import RefundStoreSQLite

/// What a cycle costs must grow with what it returns, not with what the queue holds.
struct QueryPlanTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
    }

    /// The statements that a body runs, with their values; what triggers run is traced as comments.
    private func statements(_ body: () throws -> Void) throws -> [String] {
        var statements: [String] = []
        database.sqlite.database.inDatabase { db in db.trace { statements.append($0.expandedDescription) } }
        try body()
        database.sqlite.database.inDatabase { db in db.trace(options: []) }
        return statements.filter { $0.contains("refund_") && !$0.hasPrefix("--") && !$0.hasPrefix("INSERT") }
    }

    private func plan(_ statement: String) throws -> [String] {
        try database.sqlite.transaction(.deferred) { db in
            try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(statement)").map { $0["detail"] }
        }
    }

    @Test func listOfAStateSortsNothing() throws {
        let statements = try statements {
            for filter in [RefundFilter(state: .settled), RefundFilter()] {
                _ = try database.store.read { tx throws(StoreError) in try tx.refunds(filter, limit: 50) }
            }
        }
        #expect(statements.count == 2)
        for step in try statements.flatMap(plan) { #expect(!step.contains("B-TREE"), "\(step)") }
    }

    @Test func adminPageReadsAlongIndexes() throws {
        let daemon = database.daemon
        for number in 1...20 {
            let id = try database.enqueue("R-\(number)")
            if number > 4 { try daemon.happen(to: id) { $0.answered(.settled) } }
        }
        let statements = try statements {
            _ = try database.store.read { tx throws(StoreError) in try tx.overview(at: now) }
        }
        #expect(statements.count > 20)
        for statement in Set(statements) {
            for step in try plan(statement) where step.hasPrefix("SCAN refund_") || step.hasPrefix("SCAN q") {
                // Tables that grow with peers, not refunds, and reads of the newest rows of the ledger.
                let isSmall = [
                    "refund_incidents", "refund_breakers", "refund_gateways", "refund_endpoints", "refund_pauses",
                    "refund_counts",
                ].contains {
                    step.contains($0)
                }
                let isBounded = step.contains("refund_transitions") && statement.contains("LIMIT")
                #expect(isSmall || isBounded || step.contains("INDEX refund_queue_due"), "\(step): \(statement)")
            }
        }
    }

    @Test(arguments: [nil, "4 4 4", "4 4 1", "1 1 1", "20 20 20", "16 16 1"])
    func everyStatementOfACycleUsesItsIndex(statistics: String?) throws {
        let daemon = database.daemon
        for number in 1...20 {
            let id = try database.enqueue("R-\(number)")
            if number > 4 { try daemon.happen(to: id) { $0.answered(.settled) } }
        }
        // An application's own ANALYZE of a small queue must not change the plans.
        if let statistics {
            try database.execute("ANALYZE")
            try database.execute(
                """
                UPDATE sqlite_stat1 SET stat = '\(statistics)' WHERE idx IN ('refund_queue_due', 'refund_outbox_due',
                'refund_queue_turns', 'refund_outbox_turns');
                INSERT INTO sqlite_stat1 SELECT 'refund_outbox', 'refund_outbox_due', '\(statistics)'
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_stat1 WHERE idx = 'refund_outbox_due');
                ANALYZE sqlite_schema
                """
            )
        }
        let statements = try statements {
            let delivery = try #require(try daemon.claim().first)
            try daemon.finish(delivery, .failed, retryAt: later(5))
            try daemon.write(.claimRefunds([RefundClaim(id: 1, lease: 1)], until: later(75)))
            try daemon.write(.releaseRefund(RefundClaim(id: 1, lease: 1)))
            try daemon.happen(to: 1) { $0.answered(.processing) }
            var turn = ClaimRequest.ProbeTurn()
            for _ in 1...2 {
                _ = try daemon.claims(permits: 1, probe: turn)
                turn.cursors[""] = .init(due: now, id: 1)
            }
            let excluding = ClaimRequest.GatewayClaim(permits: 1, probe: turn, excludedMerchants: ["M-1"])
            _ = try daemon.claims { $0.gateways["default"] = excluding }
            _ = try daemon.claims(permits: 1) { $0.delayedSince = now }
            try daemon.pause(.endpoint("a.example"))
            _ = try daemon.claims(permits: 1)
        }
        #expect(statements.count >= 20)
        for statement in Set(statements) {
            for step in try plan(statement) where step.contains("refund_") || step.contains("B-TREE") {
                // A hint is deleted once it is acted on: there are never many.
                guard !step.hasSuffix("SCAN h") else { continue }
                // The latest or longest due are read in the index's order, up to a limit.
                if step.contains("SCAN w USING COVERING INDEX refund_outbox_turns") { continue }
                #expect(step.contains("INDEX refund_") || step.contains("SEARCH"), "\(step): \(statement)")
                #expect(!step.contains("_state"), "\(step): \(statement)")
            }
        }
    }

    @Test func retentionWalksAlongItsIndexes() throws {
        let daemon = database.daemon
        try database.enqueue("R-1")
        try daemon.happen(to: 1) { $0.answered(.settled) }
        try daemon.finish(try #require(try daemon.claim().first), .accepted)
        let statements = try statements { for what in Prunable.allCases { try daemon.prune(what, after: 0) } }
        #expect(statements.count > 12)
        for statement in Set(statements) {
            for step in try plan(statement) where step.contains("refund_") || step.contains("B-TREE") {
                #expect(step.contains("INDEX refund_") || step.contains("SEARCH"), "\(step): \(statement)")
                #expect(!step.contains("_state") && !step.contains("B-TREE"), "\(step): \(statement)")
            }
        }
    }

    // MARK: - Work that does not grow

    /// The steps that SQLite's virtual machine takes for what a body runs in prepared statements.
    private func steps(_ body: () throws -> Void) throws -> Int {
        func count() -> Int {
            database.sqlite.database.inDatabase { db in
                var total = 0
                var statement = unsafe sqlite3_next_stmt(db.sqliteConnection, nil)
                while let current = unsafe statement {
                    total += Int(unsafe sqlite3_stmt_status(current, SQLITE_STMTSTATUS_VM_STEP, 1))
                    unsafe statement = sqlite3_next_stmt(db.sqliteConnection, current)
                }
                return total
            }
        }
        // The first run prepares the statements.
        try body()
        _ = count()
        try body()
        return count()
    }

    /// Adds refunds `1` to `count` of a gateway and merchant, given as SQL over `i`.
    private func enqueue(_ count: Int, gateway: String = "'default'", merchant: String = "NULL") throws {
        try database.execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
            INSERT INTO refund_queue (merchant_order_no, gateway, merchant_no)
            SELECT 'N-' || (SELECT count(*) FROM refund_queue) || '-' || i, \(gateway), \(merchant) FROM n
            """
        )
    }

    @Test func probeOfAnotherMerchantCostsTheSameHoweverManyRefundsOfARefusedOneAreDue() throws {
        let claim = ClaimRequest.GatewayClaim(permits: 1, probe: .init(), excludedMerchants: ["M-BAD"])
        func probe() throws {
            let due = try database.daemon.claims { $0.gateways["default"] = claim }.gateways["default"]
            #expect(due?.waiting.map(\.refund.merchantNo) == ["M-GOOD"])
        }
        try enqueue(50, merchant: "'M-BAD'")
        try enqueue(1, merchant: "'M-GOOD'")
        let few = try steps(probe)
        try enqueue(20_000, merchant: "'M-BAD'")
        #expect(try steps(probe) <= few + few / 10)
    }

    @Test func claimsOfMerchantsInTurnCostTheSameHoweverManyRefundsAreDue() throws {
        func claim() throws {
            let due = try database.daemon.claims(permits: 4).gateways["default"]
            #expect(Set(due?.new.map(\.refund.merchantKey) ?? []) == ["M-1", "M-2"])
        }
        try enqueue(50, merchant: "'M-1'")
        try enqueue(50, merchant: "'M-2'")
        let few = try steps(claim)
        try enqueue(20_000, merchant: "'M-1'")
        #expect(try steps(claim) <= few + few / 10)
    }

    @Test(arguments: [-1, 1])
    func cycleCostsTheSameHoweverManyEndpointsHaveWaitingWebhooks(due: Int) throws {
        // Every slot is in use, or nothing is due.
        func cycle() throws { _ = try database.daemon.claims { $0.endpoints = EndpointLimiter(capacity: 0) } }
        func add(_ count: Int) throws {
            try database.execute(
                """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < \(count))
                INSERT INTO refund_event_log (at, type, gateway, body)
                SELECT 1, 'gateway.needs_attention', 'default', '{}' FROM n;
                INSERT INTO refund_outbox (position, id, type, url, endpoint, next_attempt_at)
                SELECT position, 'msg_' || position, type, 'https://x.example', 'e' || position || '.example',
                \(later(due).milliseconds) FROM refund_event_log
                WHERE position NOT IN (SELECT position FROM refund_outbox)
                """
            )
        }
        try add(1_000)
        let few = try steps(cycle)
        try add(7_000)
        #expect(try steps(cycle) <= few + few / 10)
    }

    @Test func scanForUnknownGatewaysCostsTheSameHoweverManyThereAre() throws {
        try enqueue(1_000, gateway: "'nowhere' || i")
        try database.execute("UPDATE refund_queue SET next_query_at = \(later(100).milliseconds)")
        let few = try steps { _ = try database.daemon.claims() }
        try enqueue(9_000, gateway: "'elsewhere' || i")
        try database.execute("UPDATE refund_queue SET next_query_at = \(later(100).milliseconds)")
        #expect(try steps { _ = try database.daemon.claims() } <= few + few / 10)
        var (names, cursor) = (Set<String>(), "")
        try database.execute("UPDATE refund_queue SET next_query_at = 0")
        for _ in 1...200 {
            let input = try database.daemon.claims { $0.lastUnknownGateway = cursor }
            names.formUnion(input.gateways.keys)
            guard let next = input.lastUnknownGateway else { break }
            cursor = next
        }
        #expect(names.count == 10_001, "every one has its turn")
    }
}
