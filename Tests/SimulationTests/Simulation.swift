import RefundCore

@testable import RefundScheduler

/// Gateways, receivers, an application and an operator around the real scheduler and a real store, over weeks of simulated
/// time.
///
/// Time jumps from one event to the next; nothing waits. A seed always makes the same run.
final class Simulation {
    struct Summary {
        var days = 0.0
        var refunds = 0
        var queries = 0
        var deliveries = 0
        var lives = 0
        var cycles = 0
        var restores = 0
        var pruned = 0
        var interruptions = 0
    }

    let scenario: Scenario
    let fixture: any SimulationFixture
    let gateways: [String: SimulatedGateway]
    let receivers: ReceiverPool
    let application: SimulatedApplication
    let simulatedOperator: SimulatedOperator
    let ledger: LedgerInvariants
    let pacing = PacingInvariants()
    var clock = VirtualClock()
    var queue = EventQueue()
    var trace = Trace()
    var random: SplitMix64
    var summary = Summary()
    var configuration: SimulatedConfiguration
    var daemon: SimulatedDaemon?
    /// The step at which the daemon crashes next.
    var crash: CrashPlan?
    /// How another process holds the lock for writing.
    var lock: ForeignLock?
    /// The application's copy of the database, which it is going to restore.
    var saved: SavedDatabase?
    /// The cause that the last incident of a gateway was reported for, by its beginning.
    var refusalsReported: [String: Timestamp] = [:]
    /// When another process last gave up a lock that no cycle waited out.
    var unlockedAt = Timestamp(milliseconds: 0)
    /// When the application last restored a copy.
    var restoredAt = Timestamp(milliseconds: 0)
    private var isOver = false

    init(seed: UInt64, _ fixture: any SimulationFixture) {
        let scenario = Scenario(seed: seed)
        var random = SplitMix64(seed: seed ^ 0x0A0B)
        self.scenario = scenario
        self.fixture = fixture
        configuration = scenario.configuration
        gateways = Self.gateways(scenario, &random)
        receivers = ReceiverPool(Self.receivers(scenario, &random))
        application = SimulatedApplication(scenario, gateways)
        simulatedOperator = SimulatedOperator(fixture, scenario, random: SplitMix64(seed: seed ^ 0xA11CE))
        ledger = LedgerInvariants(fixture, application, simulatedOperator, scenario)
        self.random = random
    }

    private static func gateways(_ scenario: Scenario, _ random: inout SplitMix64) -> [String: SimulatedGateway] {
        var gateways: [String: SimulatedGateway] = [:]
        for name in SimulatedConfiguration.gateways {
            let schedule = FaultSchedule(
                healthy: .healthy,
                faults: SimulatedGateway.Condition.allCases.filter { $0 != .healthy },
                probability: scenario.faultProbability,
                longest: \.longest,
                until: scenario.end,
                &random
            )
            let refusals = FaultSchedule(
                healthy: nil,
                faults: SimulatedGateway.merchants.map(Optional.some),
                probability: scenario.faultProbability / 2,
                longest: { _ in .hours(8) },
                until: scenario.end,
                &random
            )
            gateways[name] = SimulatedGateway(
                name: name,
                schedule: schedule,
                refusedMerchant: refusals,
                flakiness: scenario.flakiness,
                random: SplitMix64(seed: random.next())
            )
        }
        return gateways
    }

    private static func receivers(_ scenario: Scenario, _ random: inout SplitMix64) -> [SimulatedReceiver] {
        (0..<scenario.receivers).map { number in
            let isDead = scenario.hasDeadReceiver && number == scenario.receivers - 1
            let schedule = FaultSchedule(
                healthy: .healthy,
                faults: SimulatedReceiver.faults,
                probability: scenario.faultProbability,
                longest: { _ in .days(4) },
                until: scenario.end,
                &random
            )
            return SimulatedReceiver(
                host: "shop\(number).example",
                schedule: isDead ? FaultSchedule(always: .failing, healthy: .healthy) : schedule,
                random: SplitMix64(seed: random.next())
            )
        }
    }

    /// Runs to the end.
    ///
    /// - Throws: `Violation` as soon as an invariant does not hold.
    func run() throws {
        plan()
        while !isOver, let (time, action) = queue.next() {
            clock.advance(to: time)
            try action()
        }
        try require(isOver, "nothing happens any more, and the simulation is not over")
        try finalInvariants.check()
        summary.days = clock.time.duration(since: VirtualClock.start) / .days(1)
        summary.refunds = application.orders.count
    }

    func note(_ line: String) {
        trace.note(line, at: clock.time)
    }

    func after(_ wait: Duration, _ action: @escaping EventQueue.Action) {
        queue.add(at: clock.time.advanced(by: wait), action)
    }

    private var finalInvariants: FinalInvariants {
        FinalInvariants(
            fixture: fixture,
            application: application,
            simulatedOperator: simulatedOperator,
            receivers: receivers,
            scenario: scenario
        )
    }

    /// Ends the simulation once nothing is left to do, or at a deadline, and then the final invariants say what is.
    func endWhenDone(by deadline: Timestamp) throws {
        try checkContinuousInvariants()
        if try finalInvariants.unfinished() == nil || clock.time >= deadline {
            isOver = true
        } else {
            after(.hours(1)) { try self.endWhenDone(by: deadline) }
        }
    }

    func checkContinuousInvariants() throws {
        try checkLedger()
        guard let daemon, !daemon.state.isDraining else { return }
        try continuousInvariants(daemon).check()
    }

    func continuousInvariants(_ daemon: SimulatedDaemon) -> ContinuousInvariants {
        ContinuousInvariants(
            fixture: fixture,
            gateways: gateways,
            receivers: receivers,
            daemon: daemon,
            application: application,
            simulatedOperator: simulatedOperator,
            pacing: pacing,
            clock: clock,
            restoredAt: restoredAt,
            unlockedAt: unlockedAt
        )
    }
}
