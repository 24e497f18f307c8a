import Foundation
import GRDB
import RefundCore
import Testing

@testable import RefundStoreSQLite

/// What databases already contain does not change with the code.
struct FrozenSchemaTests {
    private let folder: Folder
    private let path: String

    /// A database loaded from a dump of the schema with rows in every table.
    init() throws {
        folder = try Folder()
        path = folder.path + "/refunds.db"
        let fixture = try #require(
            Bundle.module.url(forResource: "schema-0001", withExtension: "sql", subdirectory: "Fixtures")
        )
        let loaded = try Command.run(["sqlite3", "-batch", path], input: String(contentsOf: fixture, encoding: .utf8))
        try #require(loaded.status == 0, "\(loaded.errors)")
    }

    @Test func dumpedDatabaseOpensMigratesAndVerifies() throws {
        let loaded = try Command.run(["sqlite3", path, ".dump"]).output
        let store = try RefundStore(path: path, access: .existing)
        defer { store.close() }
        try store.checkSchema()
        try store.migrate(at: now)
        try store.checkSchema()
        #expect(try Command.run(["sqlite3", path, ".dump"]).output == loaded)
        try store.read { tx in
            #expect(try tx.damages(limit: 10) == [])
            #expect(try tx.schemaProblems() == [])
            #expect(try tx.strays() == [])
            let batch = try tx.histories(after: nil, limit: 100)
            #expect(batch.problems == [])
            #expect(batch.histories.map(\.refund.state) == [.settled, .pending, .abandoned, .pending])
            #expect(batch.histories.map(\.webhooks.count) == [2, 0, 1, 0])
            for history in batch.histories {
                let check = OutboxCheck(events: history.events, webhooks: history.webhooks) { _ in "hooks.example" }
                #expect(check.problems == [])
            }
            for table in try String.fetchAll(tx.db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'") {
                #expect(try Int.fetchOne(tx.db, sql: "SELECT count(*) FROM \(table)") ?? 0 > 0, "\(table) is empty")
            }
        }
    }

    @Test func migrationCreatesTheDumpedSchema() throws {
        let store = try RefundStore(path: folder.path + "/new.db", access: .readWrite)
        defer { store.close() }
        try store.migrate(at: now)
        let sql = "SELECT type || ' ' || name || ' ' || ifnull(sql, '') FROM sqlite_master ORDER BY 1"
        let created = try store.read { tx in try String.fetchAll(tx.db, sql: sql) }
        let dumped = try DatabaseQueue(path: path).read { db in try String.fetchAll(db, sql: sql) }
        #expect(created == dumped)
    }

    @Test func storedValuesNeverChange() {
        #expect(RefundState.allCases.map(\.rawValue) == ["pending", "processing", "settled", "failed", "abandoned"])
        #expect(RefundState.allCases.filter(\.isFinal) == [.settled, .failed, .abandoned])
        #expect(
            Attention.allCases.map { "\($0.rawValue) \(NotifiedReasons($0).rawValue)" }
                == ["mismatch 32", "misconfigured 16", "unknown_order 8", "overdue 4", "undeliverable 2"]
        )
        #expect(
            EventType.allCases.map(\.rawValue) == [
                "refund.processing", "refund.settled", "refund.failed", "refund.abandoned", "refund.needs_attention",
                "gateway.needs_attention",
            ]
        )
        #expect(WebhookState.allCases.map(\.rawValue) == ["pending", "delivered", "dead", "superseded"])
        #expect(Verdict.allCases.map(\.rawValue) == ["settled", "failed"])
        #expect(Transition.refundd == "refundd")
        #expect([BreakerKind.gateway, .endpoint].map(\.rawValue) == ["gateway", "endpoint"])
        #expect([StoreTransaction.Action.query, .redeliver].map(\.rawValue) == ["query", "redeliver"])
    }

    @Test(
        arguments: zip(
            [TransStatus.created, .inProgress, .succeeded, .closed, .cancelled],
            ["processing", "processing", "settled", "failed", "failed"]
        )
    )
    func ledgerRecordsTheVerdictOfTheAnswer(status: TransStatus, verdict: String) throws {
        let database = try TestDatabase()
        try database.enqueue("R-1")
        try database.happen(to: 1) { $0.answered(status) }
        #expect(try database.column("SELECT verdict FROM refund_transitions") == [verdict])
    }

    @Test func ledgerRowAboutAnotherRefundIsFound() throws {
        let database = try TestDatabase()
        try database.enqueue("R-1")
        try database.happen(to: 1) { $0.answered(.succeeded) }
        try database.execute("DROP TRIGGER refund_queue_identity; UPDATE refund_queue SET merchant_order_no = 'R-2'")
        let problem = "1 row(s) of the ledger are about another refund than the one with their refund_id"
        #expect(try database.store.read { tx in try tx.strays() } == [problem])
    }

    @Test func everyClaimHasItsOwnNumber() throws {
        let database = try TestDatabase()
        try database.enqueue("R-1")
        for _ in 1...2 {
            try database.store.transaction { tx in
                try tx.lease([1], until: now)
                try tx.release(1)
            }
        }
        try database.happen(to: 1) { $0.answered(.succeeded) }
        try database.store.finish(try #require(try database.store.claim().first), .refused, retryAt: now)
        try database.store.finish(try #require(try database.store.claim().first), .taken)
        #expect(try database.column("SELECT lease FROM refund_queue") == ["2"])
        #expect(try database.column("SELECT lease FROM refund_outbox") == ["2"])
        #expect(try database.column("SELECT lease FROM refund_outbox_attempts ORDER BY id") == ["1", "2"])
    }
}
