import RefundCore
import RefundPostgres
import RefundPostgresSupport
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundStorePostgres

/// What a snapshot that somebody keeps open does to a daemon.
struct SnapshotTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    private func holders() throws -> [String] { try database.postgres.heldSnapshots(for: .zero).map(\.holder) }

    @Test func whoeverHoldsASnapshotIsNamed() throws {
        let report = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try report.execute("SET application_name = 'report'", until: soon)
        try report.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", until: soon)
        #expect(try holders().contains { $0.hasPrefix("process ") && $0.hasSuffix("(report)") })
        #expect(try database.postgres.heldSnapshots(for: .seconds(86_400)).isEmpty)
        try report.execute("ROLLBACK", until: soon)
    }

    @Test func forgottenTransactionThatHasWrittenIsNamed() throws {
        let shop = try database.connect()
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        try shop.execute("SET application_name = 'forgetful'", until: soon)
        try shop.execute("BEGIN; INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')", until: soon)
        // Idle, it has no snapshot any more, and what changed since is kept all the same.
        let named = try database.number(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'forgetful' AND backend_xmin IS NULL"
        )
        #expect(named == 1)
        #expect(try holders().contains { $0.contains("(forgetful)") })
        try shop.execute("ROLLBACK", until: soon)
        #expect(try !holders().contains { $0.contains("(forgetful)") })
    }

    @Test func snapshotOfAnotherDatabaseHoldsNothing() throws {
        let server = try PostgresServer.shared()
        let name = server.uniqueName()
        try server.execute("CREATE DATABASE \(name)")
        let soon = ContinuousClock.now.advanced(by: .seconds(30))
        let other = try PostgresConnection(server.parameters + [("dbname", name)], until: soon, Interruption())
        try other.execute("SET application_name = 'elsewhere'", until: soon)
        try other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", until: soon)
        #expect(try !holders().contains { $0.contains("(elsewhere)") })
        try other.execute("ROLLBACK", until: soon)
    }
}
