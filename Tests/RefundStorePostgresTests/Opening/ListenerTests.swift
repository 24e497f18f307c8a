import RefundStore
import RefundStoreConformance
import RefundStorePostgres
import RefundStorePostgresSupport
import Testing

/// How a daemon on PostgreSQL notices what others commit.
@Suite(.timeLimit(.minutes(1)))
struct ListenerTests {
    private let database: PostgresFixture
    private let wakes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() throws {
        database = try PostgresFixture()
        (wakes, continuation) = AsyncStream.makeStream(of: Void.self)
    }

    private var sleepers: String { "SELECT count(*) FROM refund_daemons WHERE wakes_at > refund_now()" }

    // A listener that sleeps and has looked twice; further wakes follow from what happens.
    private func start() async throws -> any WakeSource {
        let continuation = continuation
        let source = database.store.makeWakeSource { continuation.yield() }
        var looks = wakes.makeAsyncIterator()
        for _ in 0..<2 { await looks.next() }
        #expect(try database.number(sleepers) == 1)
        return source
    }

    @Test func insertIsNoticed() async throws {
        let source = try await start()
        defer { source.stop() }
        let begin = ContinuousClock.now
        try database.enqueue("R-1")
        var looks = wakes.makeAsyncIterator()
        await looks.next()
        #expect(ContinuousClock.now - begin < .seconds(4), "without waiting for the next heartbeat")
    }

    @Test func daemonThatIsGoneIsNoLongerRegistered() async throws {
        let source = try await start()
        source.stop()
        #expect(try database.number("SELECT count(*) FROM refund_daemons") == 1, "what is in flight has not ended")
        database.store.close()
        while try database.number("SELECT count(*) FROM refund_daemons") != 0 { await Task.yield() }
    }

    @Test func lostConnectionIsReplacedAndReported() async throws {
        let source = try await start()
        defer { source.stop() }
        let id = try database.column("SELECT id FROM refund_daemons")
        try database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(database.settings.schema)'
            """
        )
        var looks = wakes.makeAsyncIterator()
        var events: [StoreEvent] = []
        while events.isEmpty {
            await looks.next()
            events = database.store.upkeep(at: now)
        }
        guard case .commitsUnwatched = events.first else {
            Issue.record("\(events)")
            return
        }
        try database.execute("UPDATE refund_daemons SET wakes_at = 0")
        while try database.number(sleepers) < 1 { await looks.next() }
        #expect(try database.column("SELECT id FROM refund_daemons") == id, "nobody took it for dead")
    }
}
