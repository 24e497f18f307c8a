import Foundation
import GRDB
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// What databases already contain does not change with the code.
struct FrozenSchemaTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    /// Loads the dump of a database with rows in every table, as the migrations up to a number made it.
    private func load(_ migration: String) throws {
        let fixture = try #require(
            Bundle.module.url(forResource: "schema-\(migration)", withExtension: "sql", subdirectory: "Fixtures")
        )
        let loaded = try Command.run(["sqlite3", "-batch", path], input: String(contentsOf: fixture, encoding: .utf8))
        try #require(loaded.status == 0, "\(loaded.errors)")
    }

    /// The text of everything in a database's schema.
    private static let schema = "SELECT type || ' ' || name || ' ' || ifnull(sql, '') FROM sqlite_master ORDER BY 1"

    private func check(_ store: SQLiteStore) throws {
        let (damage, problems, batch) = try store.read { tx throws(StoreError) in
            (try tx.integrity(limit: 10).damage, try tx.schemaProblems(), try tx.histories(after: nil, limit: 100))
        }
        #expect(damage == [])
        #expect(problems == [])
        #expect(batch.problems == [])
        #expect(batch.histories.map(\.refund.state) == [.settled, .pending, .abandoned, .pending])
        #expect(batch.histories.map(\.webhooks.count) == [2, 0, 1, 0])
        for history in batch.histories {
            let check = OutboxCheck(events: history.events, webhooks: history.webhooks) { _ in "hooks.example" }
            #expect(check.problems == [])
        }
    }

    @Test func dumpedDatabaseOpensMigratesAndVerifies() throws {
        try load("0003")
        let loaded = try Command.run(["sqlite3", path, ".dump"]).output
        let store = try SQLiteStore(path: path, access: .existing)
        defer { store.close() }
        try store.checkSchema()
        try store.migrate(at: now)
        try store.checkSchema()
        #expect(try Command.run(["sqlite3", path, ".dump"]).output == loaded)
        try check(store)
        for table in try store.texts("SELECT name FROM sqlite_master WHERE type = 'table'") {
            #expect(try store.texts("SELECT count(*) FROM \(table)") != ["0"], "\(table) is empty")
        }
    }

    @Test(arguments: ["0001", "0002"]) func earlierSchemaIsMigratedWithItsRows(schema: String) throws {
        try load(schema)
        let store = try SQLiteStore(path: path, access: .existing)
        defer { store.close() }
        let error = #expect(throws: StoreError.self) { try store.checkSchema() }
        #expect(error?.kind == .olderSchema)
        try store.migrate(at: now)
        try store.checkSchema()
        try check(store)
        let pruned = try store.write { tx throws(StoreError) in
            try tx.prune(PruneRequest(.webhooks, until: now), at: later(30 * 86_400)).rows
        }
        #expect(pruned.bodies == 1 && pruned.attempts == 1)
        try check(store)
    }

    @Test func earlierSchemaIsMigratedWhicheverTriggerIsMissing() throws {
        try load("0002")
        let names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        let triggers = try DatabaseQueue(path: path).read { db in try String.fetchAll(db, sql: names) }
        for trigger in triggers {
            let copy = folder.path("\(trigger).db")
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            try DatabaseQueue(path: copy).write { db in try db.execute(sql: "DROP TRIGGER \(trigger)") }
            let store = try SQLiteStore(path: copy, access: .existing)
            defer { store.close() }
            #expect(throws: Never.self, "\(trigger)") { try store.migrate(at: now) }
            #expect(try store.texts(names).contains(trigger))
        }
    }

    @Test func migrationCreatesTheDumpedSchema() throws {
        try load("0003")
        let store = try SQLiteStore(path: folder.path("new.db"), access: .readWrite)
        defer { store.close() }
        try store.migrate(at: now)
        let created = try store.texts(Self.schema)
        let dumped = try DatabaseQueue(path: path).read { db in try String.fetchAll(db, sql: Self.schema) }
        #expect(created == dumped)
    }

    @Test func storedValuesNeverChange() {
        #expect(RefundState.allCases.map(\.rawValue) == ["pending", "processing", "settled", "failed", "abandoned"])
        #expect(RefundState.allCases.filter(\.isFinal) == [.settled, .failed, .abandoned])
        #expect(
            Attention.allCases.map { "\($0.rawValue) \(NotifiedReasons($0).rawValue)" }
                == ["mismatch 32", "misconfigured 16", "unknown_order 8", "overdue 4", "undeliverable 2"]
        )
        #expect([NotifiedReasons.refused, .merchantRefused, .delayed].map(\.rawValue) == [64, 128, 256])
        #expect(
            EventType.allCases.map(\.rawValue) == [
                "refund.processing", "refund.settled", "refund.failed", "refund.abandoned", "refund.needs_attention",
                "refund.delayed", "gateway.needs_attention",
            ]
        )
        #expect(WebhookState.allCases.map(\.rawValue) == ["pending", "delivered", "dead", "superseded"])
        #expect(Verdict.allCases.map(\.rawValue) == ["settled", "failed"])
        #expect(Transition.refundd == "refundd")
        #expect([BreakerKind.gateway, .endpoint, .lapse].map(\.rawValue) == ["gateway", "endpoint", "lapse"])
        #expect(GatewayIncident.Kind.allCases.map(\.rawValue) == ["misconfigured", "unreachable"])
        #expect(GatewayVerdict.allCases.map(\.rawValue) == ["processing", "settled", "failed"])
        #expect(Prunable.allCases.map(\.rawValue) == ["webhooks", "ledger"])
    }

    @Test(arguments: GatewayVerdict.allCases)
    func ledgerRecordsTheVerdictOfTheAnswer(verdict: GatewayVerdict) throws {
        let database = try SQLiteFixture()
        try database.enqueue("R-1")
        try database.daemon.happen(to: 1) { $0.answered(verdict) }
        #expect(try database.column("SELECT verdict FROM refund_transitions") == [verdict.rawValue])
    }

    @Test func ledgerRowAboutAnotherRefundIsFound() throws {
        let database = try SQLiteFixture()
        try database.enqueue("R-1")
        try database.daemon.happen(to: 1) { $0.answered(.settled) }
        try database.execute("DROP TRIGGER refund_queue_identity; UPDATE refund_queue SET merchant_order_no = 'R-2'")
        let problem = "1 ledger row(s) belong to another refund than their refund_id says"
        let problems = try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
        #expect(problems.contains(problem))
    }

    @Test func everyClaimHasItsOwnNumber() throws {
        let database = try SQLiteFixture()
        let daemon = database.daemon
        try database.enqueue("R-1")
        for lease in 1...2 as ClosedRange<Int64> {
            try daemon.write(.claimRefunds([RefundClaim(id: 1, lease: lease)], until: later(75)))
            try daemon.write(.releaseRefund(RefundClaim(id: 1, lease: lease)))
        }
        try daemon.happen(to: 1) { $0.answered(.settled) }
        try daemon.finish(try #require(try daemon.claim().first), .failed, retryAt: now)
        try daemon.finish(try #require(try daemon.claim().first), .accepted)
        #expect(try database.column("SELECT lease FROM refund_queue") == ["2"])
        #expect(try database.column("SELECT lease FROM refund_outbox") == ["2"])
        #expect(try database.column("SELECT lease FROM refund_outbox_attempts ORDER BY id") == ["1", "2"])
    }
}
