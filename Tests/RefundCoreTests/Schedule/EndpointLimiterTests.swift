import RefundCore
import Testing

/// How many webhooks may be in flight to each endpoint.
struct EndpointLimiterTests {
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func limiter(_ capacity: Int, proven: [String] = [], failing: [String] = []) -> EndpointLimiter {
        var limiter = EndpointLimiter(capacity: capacity)
        for endpoint in proven + failing {
            limiter.started(endpoint, at: now)
            limiter.end(endpoint, isDelivered: proven.contains(endpoint), at: now)
        }
        return limiter
    }

    @Test func lastAttemptDecidesHowManySlotsAnEndpointGets() {
        let limiter = limiter(16, proven: ["good"], failing: ["bad"])
        #expect(limiter.free(for: "new", at: now) == 2)
        #expect(limiter.free(for: "good", at: now) == 12)
        #expect(limiter.free(for: "bad", at: now) == 1)
        #expect(limiter.inFlight == 0)
    }

    @Test func slotsInUseAreNotFree() {
        var limiter = limiter(16, proven: ["good"])
        limiter.started("good", count: 5, at: now)
        limiter.started("new", at: now)
        #expect(limiter.inFlight == 6)
        #expect(limiter.free(for: "good", at: now) == 7)
        #expect(limiter.free(for: "new", at: now) == 1)
        limiter.started("new", at: now)
        #expect(limiter.free(for: "new", at: now) == 0)
    }

    @Test func slowEndpointLeavesSlotsForOthers() {
        var limiter = limiter(16, proven: ["slow"])
        limiter.started("slow", count: limiter.free(for: "slow", at: now), at: now)
        #expect(limiter.free(for: "slow", at: now) == 0)
        #expect(limiter.free(for: "other", at: now) == 2)
    }

    @Test func failingEndpointsShareHalfOfAllSlots() {
        let failing = (0..<20).map { "bad\($0)" }
        var limiter = limiter(16, proven: ["good"], failing: failing)
        for endpoint in failing { limiter.started(endpoint, count: limiter.free(for: endpoint, at: now), at: now) }
        #expect(limiter.inFlight == 8)
        #expect(limiter.free(for: "good", at: now) == 8)
    }

    @Test(arguments: [4, 8, 16, 100])
    func untriedAndFailingEndpointsTogetherLeaveSlotsForProvenOnes(capacity: Int) {
        let failing = (0..<200).map { "bad\($0)" }
        var limiter = limiter(capacity, proven: ["good"], failing: failing)
        for number in 0..<200 {
            for endpoint in ["new\(number)", "bad\(number)"] {
                limiter.started(endpoint, count: limiter.free(for: endpoint, at: now), at: now)
            }
        }
        #expect(limiter.inFlight == capacity * 3 / 4)
        #expect(limiter.free(for: "good", at: now) == capacity - capacity * 3 / 4)
    }

    @Test func endpointThatRecoversGetsItsSlotsBack() {
        var limiter = limiter(16, failing: ["bad"])
        limiter.started("bad", at: now)
        limiter.end("bad", isDelivered: true, at: now)
        #expect(limiter.free(for: "bad", at: now) == 12)
    }

    @Test(arguments: 1...4)
    func fewSlotsStillServeEveryEndpoint(capacity: Int) {
        let limiter = limiter(capacity, proven: ["good"], failing: ["bad"])
        for endpoint in ["good", "bad", "new"] { #expect(limiter.free(for: endpoint, at: now) >= 1) }
    }

    @Test func reducedCapacityFreesNoSlotUntilEnoughAttemptsEnd() {
        var limiter = limiter(16, proven: ["good"])
        limiter.started("good", count: 10, at: now)
        limiter.capacity = 4
        #expect(limiter.free(for: "good", at: now) == 0)
        #expect(limiter.free(for: "new", at: now) == 0)
    }

    @Test func interruptedAttemptFreesItsSlotAndSaysNothingAboutItsEndpoint() {
        var limiter = limiter(16, proven: ["good"], failing: ["bad"])
        for endpoint in ["good", "bad", "new"] {
            limiter.started(endpoint, at: now)
            limiter.interrupted(endpoint, at: now)
        }
        #expect(limiter.inFlight == 0)
        #expect(["good", "bad", "new"].map { limiter.free(for: $0, at: now) } == [12, 1, 2])
    }

    @Test(arguments: [1, 2, 3, 16, 100], 0..<8 as Range<UInt64>)
    func neverMoreAttemptsAreInFlightThanThereAreSlots(capacity: Int, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var limiter = EndpointLimiter(capacity: capacity)
        var inFlight: [String] = []
        for _ in 0..<2_000 {
            let endpoint = "e\(Int.random(in: 0..<12, using: &random))"
            let free = limiter.free(for: endpoint, at: now)
            #expect(free >= 0)
            if free > 0, Bool.random(using: &random) {
                let count = Int.random(in: 1...free, using: &random)
                limiter.started(endpoint, count: count, at: now)
                inFlight += Array(repeating: endpoint, count: count)
            } else if let index = inFlight.indices.randomElement(using: &random) {
                let ended = inFlight.remove(at: index)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: limiter.interrupted(ended, at: now)
                case let result: limiter.end(ended, isDelivered: result == 1, at: now)
                }
            }
            #expect(limiter.inFlight == inFlight.count)
            #expect(limiter.inFlight <= capacity)
        }
        for endpoint in inFlight { limiter.end(endpoint, isDelivered: true, at: now) }
        #expect(limiter.inFlight == 0)
    }

    @Test func endpointWithAttemptsInFlightIsNeverForgotten() {
        var limiter = EndpointLimiter(capacity: 16)
        limiter.started("kept", count: 2, at: now)
        for number in 0..<10_000 {
            limiter.started("e\(number)", at: now)
            limiter.end("e\(number)", isDelivered: false, at: now)
            #expect(limiter.forgetIdle(at: now).isEmpty, "none of them is open")
        }
        #expect(limiter.inFlight == 2)
        #expect(limiter.free(for: "kept", at: now) == 0)
    }
}
