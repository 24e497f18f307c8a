import RefundCore
import RefundTestSupport
import Testing

struct EndpointSharesTests {
    private func shares(_ capacity: Int, healthy: [String] = [], failing: [String] = []) -> EndpointShares {
        var shares = EndpointShares(capacity: capacity)
        for endpoint in healthy + failing {
            shares.started(endpoint)
            shares.ended(endpoint, isDelivered: healthy.contains(endpoint))
        }
        return shares
    }

    @Test func aReceiverIsTrustedWithWhatItsLastAnswerEarned() {
        let shares = shares(16, healthy: ["good"], failing: ["bad"])
        #expect(shares.free(for: "new") == 2)
        #expect(shares.free(for: "good") == 12)
        #expect(shares.free(for: "bad") == 1)
        #expect(shares.inFlight == 0)
    }

    @Test func whatIsInFlightIsTakenOff() {
        var shares = shares(16, healthy: ["good"])
        shares.started("good", count: 5)
        shares.started("new")
        #expect(shares.inFlight == 6)
        #expect(shares.free(for: "good") == 7)
        #expect(shares.free(for: "new") == 1)
        shares.started("new")
        #expect(shares.free(for: "new") == 0)
    }

    @Test func aSlowReceiverLeavesPlacesForOthers() {
        var shares = shares(16, healthy: ["slow"])
        shares.started("slow", count: shares.free(for: "slow"))
        #expect(shares.free(for: "slow") == 0)
        #expect(shares.free(for: "other") == 2)
    }

    @Test func failingReceiversShareHalfOfAllPlaces() {
        let failing = (0..<20).map { "bad\($0)" }
        var shares = shares(16, healthy: ["good"], failing: failing)
        for endpoint in failing { shares.started(endpoint, count: shares.free(for: endpoint)) }
        #expect(shares.inFlight == 8)
        #expect(shares.free(for: "good") == 8)
    }

    @Test func aReceiverThatRecoversGetsItsShareBack() {
        var shares = shares(16, failing: ["bad"])
        shares.started("bad")
        shares.ended("bad", isDelivered: true)
        #expect(shares.free(for: "bad") == 12)
    }

    @Test(arguments: 1...4)
    func fewPlacesStillServeEveryReceiver(capacity: Int) {
        let shares = shares(capacity, healthy: ["good"], failing: ["bad"])
        for endpoint in ["good", "bad", "new"] { #expect(shares.free(for: endpoint) >= 1) }
    }

    @Test func fewerPlacesThanAreInFlightFreeNone() {
        var shares = shares(16, healthy: ["good"])
        shares.started("good", count: 10)
        shares.capacity = 4
        #expect(shares.free(for: "good") == 0)
        #expect(shares.free(for: "new") == 0)
    }

    @Test(arguments: [1, 2, 3, 16, 100], 0..<8 as Range<UInt64>)
    func thereIsNeverMoreInFlightThanThereArePlaces(capacity: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var shares = EndpointShares(capacity: capacity)
        var flying: [String] = []
        for _ in 0..<2_000 {
            let endpoint = "e\(Int.random(in: 0..<12, using: &random))"
            let free = shares.free(for: endpoint)
            #expect(free >= 0)
            if free > 0, Bool.random(using: &random) {
                let count = Int.random(in: 1...free, using: &random)
                shares.started(endpoint, count: count)
                flying += Array(repeating: endpoint, count: count)
            } else if let index = flying.indices.randomElement(using: &random) {
                shares.ended(flying.remove(at: index), isDelivered: Bool.random(using: &random))
            }
            #expect(shares.inFlight == flying.count)
            #expect(shares.inFlight <= capacity)
        }
        for endpoint in flying { shares.ended(endpoint, isDelivered: true) }
        #expect(shares.inFlight == 0)
    }

    @Test func whatIsInFlightIsNeverForgottenHoweverManyReceiversThereAre() {
        var shares = EndpointShares(capacity: 16)
        shares.started("kept", count: 2)
        for number in 0..<10_000 {
            shares.started("e\(number)")
            shares.ended("e\(number)", isDelivered: false)
        }
        #expect(shares.inFlight == 2)
        #expect(shares.free(for: "kept") == 0)
    }
}
