import Foundation
import RefundTestSupport
import Testing

struct SimulationTests {
    private static let workers: UInt64 = 2

    // TEST_STORE=postgres simulates over the other store alone, where a cycle takes longer.
    private static let isPostgres = ProcessInfo.processInfo.environment["TEST_STORE"] == "postgres"

    @Test func everyInvariantHoldsForEverySeed() async {
        await Self.simulate(Seeds.all) { () -> any SimulationFixture in
            if Self.isPostgres { try PostgresSimulationFixture() } else { try SQLiteSimulationFixture() }
        }
    }

    @Test func everyInvariantHoldsOnPostgreSQLToo() async throws {
        if Self.isPostgres || Seeds.isChosen { try Test.cancel("other seeds were asked for") }
        await Self.simulate(Seeds.few) { try PostgresSimulationFixture() }
    }

    @Test(arguments: [UInt64(7), 21])
    func sameSeedMakesTheSameRun(seed: UInt64) throws {
        let runs = try (0..<2).map { _ in Simulation(seed: seed, try SQLiteSimulationFixture()) }
        for run in runs { try run.run() }
        #expect(runs[0].trace.hash == runs[1].trace.hash)
    }

    /// Runs all seeds, each on a fixture of its own.
    private static func simulate(
        _ seeds: Range<UInt64>,
        _ makeFixture: @escaping @Sendable () throws -> any SimulationFixture
    ) async {
        let start = ContinuousClock.now
        var total = Simulation.Summary()
        await withTaskGroup(of: Simulation.Summary.self) { group in
            for worker in 0..<workers {
                group.addTask {
                    var sum = Simulation.Summary()
                    for seed in seeds where seed % workers == worker { sum.add(simulate(seed, makeFixture)) }
                    return sum
                }
            }
            for await sum in group { total.add(sum) }
        }
        print("simulated \(seeds.count) seeds in \(start.duration(to: .now)): \(total)")
    }

    private static func simulate(
        _ seed: UInt64,
        _ makeFixture: () throws -> any SimulationFixture
    ) -> Simulation.Summary {
        do {
            let simulation = Simulation(seed: seed, try makeFixture())
            do {
                try simulation.run()
                if Seeds.single != nil {
                    print("\(simulation.scenario)\n\(simulation.summary)\n\(simulation.trace.hash)")
                }
            } catch {
                if Seeds.single != nil { print("\(simulation.scenario)\n\(simulation.trace.text)") }
                throw error
            }
            return simulation.summary
        } catch {
            Issue.record(
                "\(error); for more: TEST_SIMULATION_SEED=\(seed) swift test --filter SimulationTests"
            )
            return Simulation.Summary()
        }
    }
}

/// The seeds to simulate.
private enum Seeds {
    /// How many every run of the tests simulates.
    static let usual: UInt64 = 16
    /// Those of a store where they take longer.
    static let few: Range<UInt64> = 5..<6

    /// The one seed of `TEST_SIMULATION_SEED`, whose run is traced.
    static var single: UInt64? { variable("TEST_SIMULATION_SEED") }

    /// `TEST_SIMULATION_SEEDS` sets how many, `TEST_SIMULATION_FIRST` the first.
    static var all: Range<UInt64> {
        if let single { return single..<single + 1 }
        let first = variable("TEST_SIMULATION_FIRST") ?? 1
        return first..<first + (variable("TEST_SIMULATION_SEEDS") ?? usual)
    }

    /// Whether a variable says which.
    static var isChosen: Bool { single != nil || variable("TEST_SIMULATION_SEEDS") != nil }

    private static func variable(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }
}

extension Simulation.Summary {
    fileprivate mutating func add(_ other: Simulation.Summary) {
        days += other.days
        refunds += other.refunds
        queries += other.queries
        deliveries += other.deliveries
        lives += other.lives
        cycles += other.cycles
        restores += other.restores
        pruned += other.pruned
        pauses += other.pauses
        interruptions += other.interruptions
    }
}
