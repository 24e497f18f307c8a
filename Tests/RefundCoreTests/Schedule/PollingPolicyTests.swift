import RefundCore
import Testing

struct PollingPolicyTests {
    private let policy = PollingPolicy()
    private let day = hours(24)

    /// The default waits in seconds after 1, 2, … queries.
    static let waits = [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 1_800, 1_800, 1_800]

    @Test(arguments: Array(waits.enumerated()))
    func waitDoublesUpToItsCap(index: Int, seconds: Int) {
        #expect(policy.delay(afterAttempts: index + 1, age: .zero, draw: 0.5) == .seconds(seconds))
    }

    @Test func slowIntervalBeginsWithItsAge() {
        #expect(policy.delay(afterAttempts: 3, age: day - .milliseconds(1), draw: 0.5) == .seconds(20))
        #expect(policy.delay(afterAttempts: 3, age: day, draw: 0.5) == hour)
        #expect(policy.delay(afterAttempts: 3, age: day * 1_000, draw: 0.5) == hour)
        #expect(policy.delay(afterAttempts: 1, age: .zero, isSlow: true, draw: 0.5) == hour)
    }

    @Test(arguments: [(0.0, 4_500), (0.25, 4_750), (0.5, 5_000), (0.75, 5_250), (1.0, 5_500)])
    func jitterIsUniformAroundTheWait(draw: Double, milliseconds: Int) {
        #expect(policy.delay(afterAttempts: 1, age: .zero, draw: draw) == .milliseconds(milliseconds))
    }

    @Test func jitterComesAfterTheCapAndOnTheSlowIntervalToo() {
        #expect(policy.delay(afterAttempts: 50, age: .zero, draw: 1) == .seconds(1_980))
        #expect(policy.delay(afterAttempts: 50, age: day, draw: 0) == .seconds(3_240))
    }

    @Test func withoutJitterTheDrawDecidesNothing() {
        var policy = policy
        policy.jitter = 0
        #expect(policy.delay(afterAttempts: 2, age: .zero, draw: 0) == .seconds(10))
        #expect(policy.delay(afterAttempts: 2, age: .zero, draw: 1) == .seconds(10))
    }

    @Test func everyWaitStaysWithinItsJitterAndTheLongestWait() {
        var random = SplitMix64(seed: 1)
        for _ in 0..<10_000 {
            let attempts = Int.random(in: 1...40, using: &random)
            let age = Duration.seconds(Int64.random(in: 0...200_000, using: &random))
            let draw = Double.random(in: 0...1, using: &random)
            let middle = policy.delay(afterAttempts: attempts, age: age, draw: 0.5)
            let delay = policy.delay(afterAttempts: attempts, age: age, draw: draw)
            #expect(delay >= middle.scaled(by: 0.9) && delay <= middle.scaled(by: 1.1))
            #expect(delay <= policy.longestDelay)
        }
    }

    @Test func longestWaitIsThatOfTheLongestIntervalWithItsJitter() {
        var policy = policy
        #expect(policy.longestDelay == .seconds(3_960))
        policy.maxInterval = hours(10)
        #expect(policy.longestDelay == hours(11))
        policy.initialInterval = hours(100)
        #expect(policy.longestDelay == hours(110))
    }

    @Test func initialIntervalAboveTheCapIsCapped() {
        var policy = policy
        policy.initialInterval = hour
        #expect(policy.delay(afterAttempts: 1, age: .zero, draw: 0.5) == .seconds(1_800))
    }

    @Test(arguments: [1, 2, 64, 1_000, 100_000, .max, 0, -1, .min] as [Int])
    func noNumberOfAttemptsTraps(attempts: Int) {
        for multiplier in [1, 1.5, 2, 1e300, .infinity] {
            var policy = policy
            policy.multiplier = multiplier
            let delay = policy.delay(afterAttempts: attempts, age: .zero, draw: 0.5)
            #expect(delay >= .seconds(5) && delay <= .seconds(1_800))
        }
    }

    @Test func extremeIntervalsSaturate() {
        var policy = policy
        policy.maxInterval = .seconds(Int64.max)
        policy.slowInterval = .seconds(Int64.max)
        policy.initialInterval = .milliseconds(Int64.max)
        for age in [Duration.zero, .seconds(Int64.max), .seconds(Int64.min)] {
            #expect(policy.delay(afterAttempts: .max, age: age, draw: 1) > .zero)
        }
        #expect(policy.longestDelay == .milliseconds(Int64.max))
    }
}
