import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// The positions of events after another server has taken over.
struct PositionTests {
    private let database: PostgresFixture

    init() throws {
        database = try PostgresFixture()
    }

    private func problems() throws -> [String] {
        try database.store.read { tx throws(StoreError) in try tx.schemaProblems() }
    }

    @Test func positionsJumpAsSoonAsAnotherServerIsReached() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        try database.execute("UPDATE refund_event_position SET timeline = 0")
        // A new connection may lead to another server.
        let other = try PostgresStore(database.settings)
        defer { other.close() }
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "1000002"])
        #expect(try problems() == [])
    }

    @Test func positionsContinueBeyondAGapOnAnotherServer() throws {
        let daemon = Daemon(database)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        try database.execute("UPDATE refund_event_position SET timeline = 0")
        for _ in 0..<2 { try database.store.migrate(at: now) }
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        #expect(try database.column("SELECT position FROM refund_events") == ["1", "1000002"])
        #expect(try database.rows("SELECT after, before FROM refund_event_gaps") == [["1", "1000002"]])
        #expect(try problems() == [])
    }

    /// A dump that is restored on the same server gives the last numbers again, which nobody but the operator knows.
    @Test func numbersContinueBeyondAGapOnceAnOperatorAcceptsACopy() throws {
        let daemon = Daemon(database)
        let provider = PostgresProvider(database.settings)
        try daemon.happen(to: try database.enqueue("R-1")) { $0.answered(.settled) }
        #expect(try provider.initialize(at: now, acceptingRestoredFor: nil) == nil)
        try daemon.happen(to: try database.enqueue("R-2")) { $0.answered(.settled) }
        #expect(try provider.initialize(at: now, acceptingRestoredFor: "ada") == 1_000_000_003)
        try daemon.happen(to: try database.enqueue("R-3")) { $0.answered(.settled) }
        #expect(
            try database.rows("SELECT position, refund_id FROM refund_events") == [
                ["1", "1"], ["2", "2"], ["1000000003", "1000000003"],
            ]
        )
        #expect(
            try database.rows("SELECT actor, action FROM refund_actions ORDER BY id") == [
                ["ada", "skip refund_event_log 2 1000000002"], ["ada", "skip refund_queue 2 1000000002"],
            ]
        )
        #expect(try problems() == [])
    }
}
