import RefundCore
import RefundStoreSQLite
import RefundTestSupport

@testable import RefundDaemon

/// One life of the daemon, from its start to its end: the real engine on the database, and what is in flight.
final class SimulatedDaemon {
    let engine: RefundEngine
    let edges: Edges
    let startedAt: Timestamp
    private(set) var setup: Setup
    /// Since when it has gone by this setup.
    private(set) var setupSince: Timestamp
    /// What came back and waits for the next cycle.
    var arrivals = Arrivals()
    /// The refunds whose query is in flight, by gateway.
    var queries: [String: Set<Int64>] = [:]
    /// The webhooks in flight, with their refunds.
    var deliveries: [String: Int64?] = [:]
    /// When it runs next, as far as anything is planned.
    var nextRun: Timestamp?
    /// The runs in a row that time did not pass between.
    var runsAtOnce = (count: 0, at: Timestamp(milliseconds: 0))
    private let scenario: Scenario

    init(path: String, setup: Setup, scenario: Scenario, clock: VirtualClock, random: SeededRandom) throws {
        self.setup = setup
        self.scenario = scenario
        startedAt = clock.time
        setupSince = clock.time
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: clock.wall)
        edges = try Edges()
        engine = RefundEngine(store: store, settings: edges.settings(setup, scenario), random: random)
        try engine.start(at: clock.wall)
    }

    func reload(_ setup: Setup, _ clock: VirtualClock) throws {
        try engine.reconfigure(edges.settings(setup, scenario), at: clock.wall)
        self.setup = setup
        setupSince = clock.time
    }

    /// Takes out what came back.
    func takeArrivals() -> Arrivals {
        defer { arrivals = Arrivals() }
        return arrivals
    }

    func end() {
        engine.store.close()
    }

    deinit { end() }
}
