import RefundCore
import RefundTestSupport
import Testing

struct EndpointSharesTests {
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func shares(_ capacity: Int, healthy: [String] = [], failing: [String] = []) -> EndpointShares {
        var shares = EndpointShares(capacity: capacity)
        for endpoint in healthy + failing {
            shares.started(endpoint, at: now)
            shares.end(endpoint, isDelivered: healthy.contains(endpoint), at: now)
        }
        return shares
    }

    @Test func aReceiverIsTrustedWithWhatItsLastAnswerEarned() {
        let shares = shares(16, healthy: ["good"], failing: ["bad"])
        #expect(shares.free(for: "new", at: now) == 2)
        #expect(shares.free(for: "good", at: now) == 12)
        #expect(shares.free(for: "bad", at: now) == 1)
        #expect(shares.inFlight == 0)
    }

    @Test func whatIsInFlightIsTakenOff() {
        var shares = shares(16, healthy: ["good"])
        shares.started("good", count: 5, at: now)
        shares.started("new", at: now)
        #expect(shares.inFlight == 6)
        #expect(shares.free(for: "good", at: now) == 7)
        #expect(shares.free(for: "new", at: now) == 1)
        shares.started("new", at: now)
        #expect(shares.free(for: "new", at: now) == 0)
    }

    @Test func aSlowReceiverLeavesPlacesForOthers() {
        var shares = shares(16, healthy: ["slow"])
        shares.started("slow", count: shares.free(for: "slow", at: now), at: now)
        #expect(shares.free(for: "slow", at: now) == 0)
        #expect(shares.free(for: "other", at: now) == 2)
    }

    @Test func failingReceiversShareHalfOfAllPlaces() {
        let failing = (0..<20).map { "bad\($0)" }
        var shares = shares(16, healthy: ["good"], failing: failing)
        for endpoint in failing { shares.started(endpoint, count: shares.free(for: endpoint, at: now), at: now) }
        #expect(shares.inFlight == 8)
        #expect(shares.free(for: "good", at: now) == 8)
    }

    @Test func aReceiverThatRecoversGetsItsShareBack() {
        var shares = shares(16, failing: ["bad"])
        shares.started("bad", at: now)
        shares.end("bad", isDelivered: true, at: now)
        #expect(shares.free(for: "bad", at: now) == 12)
    }

    @Test(arguments: 1...4)
    func fewPlacesStillServeEveryReceiver(capacity: Int) {
        let shares = shares(capacity, healthy: ["good"], failing: ["bad"])
        for endpoint in ["good", "bad", "new"] { #expect(shares.free(for: endpoint, at: now) >= 1) }
    }

    @Test func fewerPlacesThanAreInFlightFreeNone() {
        var shares = shares(16, healthy: ["good"])
        shares.started("good", count: 10, at: now)
        shares.capacity = 4
        #expect(shares.free(for: "good", at: now) == 0)
        #expect(shares.free(for: "new", at: now) == 0)
    }

    @Test(arguments: [1, 2, 3, 16, 100], 0..<8 as Range<UInt64>)
    func thereIsNeverMoreInFlightThanThereArePlaces(capacity: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var shares = EndpointShares(capacity: capacity)
        var flying: [String] = []
        for _ in 0..<2_000 {
            let endpoint = "e\(Int.random(in: 0..<12, using: &random))"
            let free = shares.free(for: endpoint, at: now)
            #expect(free >= 0)
            if free > 0, Bool.random(using: &random) {
                let count = Int.random(in: 1...free, using: &random)
                shares.started(endpoint, count: count, at: now)
                flying += Array(repeating: endpoint, count: count)
            } else if let index = flying.indices.randomElement(using: &random) {
                shares.end(flying.remove(at: index), isDelivered: Bool.random(using: &random), at: now)
            }
            #expect(shares.inFlight == flying.count)
            #expect(shares.inFlight <= capacity)
        }
        for endpoint in flying { shares.end(endpoint, isDelivered: true, at: now) }
        #expect(shares.inFlight == 0)
    }

    @Test func whatIsInFlightIsNeverForgottenHoweverManyEndpointsThereAre() {
        var shares = EndpointShares(capacity: 16)
        shares.started("kept", count: 2, at: now)
        for number in 0..<10_000 {
            shares.started("e\(number)", at: now)
            shares.end("e\(number)", isDelivered: false, at: now)
            #expect(shares.forgetIdle(at: now).isEmpty, "none of them is open")
        }
        #expect(shares.inFlight == 2)
        #expect(shares.free(for: "kept", at: now) == 0)
    }
}
