import RefundCore
import RefundTestSupport
import Synchronization

@testable import RefundDaemon

/// One simulated world: gateways, receivers, an application and a person around the real engine, over months.
///
/// Time jumps from one happening to the next; nothing waits.
final class World {
    struct Summary {
        var days = 0.0
        var refunds = 0
        var queries = 0
        var deliveries = 0
        var lives = 0
    }

    let scenario: Scenario
    let database: SharedDatabase
    let gateways: [String: SimulatedGateway]
    let mailroom: Mailroom
    let shop: Shop
    let person: Person
    let ledger: LedgerWatch
    let pace = PaceWatch()
    var clock = VirtualClock()
    var agenda = Agenda()
    var trace = Trace()
    var random: SeededRandom
    var summary = Summary()
    var setup: Setup
    var daemon: SimulatedDaemon?
    /// At which step the daemon is to be killed next.
    var doom: Doom?
    private var isOver = false

    init(seed: UInt64) throws {
        let scenario = Scenario(seed: seed)
        var random = SeededRandom(seed: seed ^ 0x0A0B)
        self.scenario = scenario
        setup = scenario.setup
        database = try SharedDatabase()
        gateways = Self.gateways(scenario, &random)
        mailroom = Mailroom(Self.receivers(scenario, &random))
        shop = Shop(scenario, gateways)
        person = Person(random: SeededRandom(seed: seed ^ 0xA11CE))
        ledger = LedgerWatch(database, shop, person, scenario)
        self.random = random
    }

    private static func gateways(_ scenario: Scenario, _ random: inout SeededRandom) -> [String: SimulatedGateway] {
        var gateways: [String: SimulatedGateway] = [:]
        for name in Setup.gateways {
            let foul = SimulatedGateway.Mood.allCases.filter { $0 != .fair }
            let weather = Weather(
                fair: .fair,
                foul: foul,
                foulness: scenario.foulness,
                // A gateway in trouble is asked every few seconds, which says nothing new after some hours.
                longest: .hours(8),
                until: scenario.end,
                &random
            )
            gateways[name] = SimulatedGateway(
                name: name,
                weather: weather,
                faultiness: scenario.faultiness,
                random: SeededRandom(seed: random.next())
            )
        }
        return gateways
    }

    private static func receivers(_ scenario: Scenario, _ random: inout SeededRandom) -> [SimulatedReceiver] {
        (0..<scenario.receivers).map { number in
            let isHopeless = scenario.hasHopelessReceiver && number == scenario.receivers - 1
            let foul = SimulatedReceiver.foul
            let weather = Weather(
                fair: .fair,
                foul: foul,
                foulness: scenario.foulness,
                longest: .days(4),
                until: scenario.end,
                &random
            )
            return SimulatedReceiver(
                host: "shop\(number).example",
                weather: isHopeless ? Weather(always: .erring, fair: .fair) : weather,
                random: SeededRandom(seed: random.next())
            )
        }
    }

    /// Lets everything happen, to the end.
    ///
    /// - Throws: `Violation` when a promise is not kept.
    func run() throws {
        plan()
        while !isOver, let (time, happening) = agenda.next() {
            clock.advance(to: time)
            try happening()
        }
        try promise(isOver, "the world came to a standstill")
        try reckoning.check()
        summary.days = clock.time.duration(since: VirtualClock.start) / .days(1)
        summary.refunds = shop.orders.count
    }

    func note(_ line: String) {
        trace.note(line, at: clock.time)
    }

    func after(_ wait: Duration, _ happening: @escaping Agenda.Happening) {
        agenda.add(at: clock.time.advanced(by: wait), happening)
    }

    private var reckoning: Reckoning {
        Reckoning(database: database, shop: shop, person: person, mailroom: mailroom, scenario: scenario)
    }

    /// Ends the world once nothing is left to do, and says what is when that takes too long.
    func endWhenDone(by deadline: Timestamp) throws {
        try patrol()
        let reason = try reckoning.unfinished()
        if reason == nil || clock.time >= deadline {
            isOver = true
        } else {
            after(.hours(1)) { try self.endWhenDone(by: deadline) }
        }
    }

    func patrol() throws {
        guard let daemon, !daemon.engine.isDraining else { return }
        let patrol = Patrol(
            database: database,
            gateways: gateways,
            mailroom: mailroom,
            daemon: daemon,
            person: person,
            clock: clock
        )
        try patrol.check()
    }
}
