import GRDB
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
                UPDATE sqlite_stat1 SET stat = '\(statistics)' WHERE idx IN ('refund_queue_due', 'refund_outbox_due');
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
        }
        #expect(statements.count >= 20)
        for statement in Set(statements) {
            for step in try plan(statement) where step.contains("refund_") || step.contains("B-TREE") {
                // A hint is deleted once it is acted on: there are never many.
                guard !step.hasSuffix("SCAN h") else { continue }
                #expect(step.contains("INDEX refund_") || step.contains("SEARCH"), "\(step): \(statement)")
                #expect(!step.contains("_state"), "\(step): \(statement)")
            }
        }
    }
}
