import GRDB
import RefundCore
import Testing

@testable import RefundStoreSQLite

struct QueryPlanTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }

    init() throws {
        database = try TestDatabase()
    }

    /// The statements that every cycle runs, with their values.
    private func statements() throws -> [String] {
        var statements: [String] = []
        try store.transaction { tx in
            tx.db.trace { statements.append($0.expandedDescription) }
            _ = try tx.gatewaysInQueue()
            _ = try tx.earliestDue(gateway: "default", latest: now)
            _ = try tx.due(gateway: "default", at: now, limit: 10)
            try tx.lease([1, 2], until: now)
            try tx.mendDueTimes(gateway: "default", at: now, latest: now)
            _ = try tx.ageing(createdBy: now, limit: 10)
            _ = try tx.oldestAgeing()
            _ = try tx.waitingEndpoints(at: now)
            _ = try tx.nextDelivery(endpoint: "hooks.example", after: now)
            _ = try tx.claimDeliveries(
                endpoint: "hooks.example",
                at: now,
                latest: later(1_000),
                leaseUntil: now,
                limit: 10,
                unsendableLimit: 10,
                isProbe: true
            )
            _ = try tx.health(ofURLs: [TestDatabase.defaultURL])
            _ = try tx.undeliverable(among: [1])
            tx.db.trace(options: [])
        }
        // What triggers run is traced as comments.
        return statements.filter { $0.contains("refund_") && !$0.hasPrefix("--") }
    }

    @Test func listOfAStateSortsNothing() throws {
        var plans: [String] = []
        try store.read { tx in
            var statements: [String] = []
            tx.db.trace { statements.append($0.expandedDescription) }
            _ = try tx.refunds(state: .settled, needsAttention: false, limit: 50)
            _ = try tx.refunds(state: nil, needsAttention: false, limit: 50)
            tx.db.trace(options: [])
            for statement in statements {
                plans += try Row.fetchAll(tx.db, sql: "EXPLAIN QUERY PLAN \(statement)").map { $0["detail"] }
            }
        }
        #expect(plans.count == 2)
        #expect(!plans.contains { $0.contains("B-TREE") }, "\(plans)")
    }

    /// They must cost what they return, not what the queue holds.
    @Test(arguments: [false, true])
    func everyLookGoesAlongItsIndex(hasStatistics: Bool) throws {
        if hasStatistics {
            // What an application's own ANALYZE says of a small queue must not turn the plans over.
            for number in 1...20 {
                let id = try database.enqueue("R-\(number)")
                if number > 4 { try database.happen(to: id) { $0.answered(.settled) } }
            }
            try database.execute("ANALYZE")
        }
        let statements = try statements()
        #expect(statements.count >= 10)
        for statement in statements {
            let plan = try store.read { tx in try Row.fetchAll(tx.db, sql: "EXPLAIN QUERY PLAN \(statement)") }
            for step in plan.map({ $0["detail"] as String }) where step.contains("refund_") || step.contains("B-TREE") {
                #expect(step.contains("INDEX refund_") || step.contains("SEARCH"), "\(step): \(statement)")
                #expect(!step.contains("_state"), "\(step): \(statement)")
            }
        }
    }
}
