import RefundTestSupport
import Testing

struct SimulationTests {
    private static let workers: UInt64 = 2

    @Test func everyPromiseIsKeptInEveryWorld() async {
        let seeds = Seeds.all
        let start = ContinuousClock.now
        var total = World.Summary()
        await withTaskGroup(of: World.Summary.self) { group in
            for worker in 0..<Self.workers {
                group.addTask {
                    var sum = World.Summary()
                    for seed in seeds where seed % Self.workers == worker { sum.add(Self.simulate(seed)) }
                    return sum
                }
            }
            for await sum in group { total.add(sum) }
        }
        print("simulated \(seeds.count) worlds in \(start.duration(to: .now)): \(total)")
    }

    @Test(arguments: [UInt64(7), 21])
    func sameSeedMakesTheSameWorld(seed: UInt64) throws {
        let worlds = [try World(seed: seed), try World(seed: seed)]
        for world in worlds { try? world.run() }
        #expect(worlds[0].trace.hash == worlds[1].trace.hash)
    }

    private static func simulate(_ seed: UInt64) -> World.Summary {
        do {
            let world = try World(seed: seed)
            do {
                try world.run()
                if Seeds.single != nil { print("\(world.scenario)\n\(world.trace.hash)") }
            } catch {
                if Seeds.single != nil { print("\(world.scenario)\n\(world.trace.text)") }
                throw error
            }
            return world.summary
        } catch {
            Issue.record(
                "\(error); to see more: REFUNDD_SIMULATION_SEED=\(seed) swift test --filter SimulationTests"
            )
            return World.Summary()
        }
    }
}

extension World.Summary {
    fileprivate mutating func add(_ other: World.Summary) {
        days += other.days
        refunds += other.refunds
        queries += other.queries
        deliveries += other.deliveries
        lives += other.lives
    }
}
