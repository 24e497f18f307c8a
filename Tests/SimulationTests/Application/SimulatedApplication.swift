import RefundCore

/// The application: submits refunds to gateways, enqueues them, and remembers which.
final class SimulatedApplication {
    struct Order {
        let gateway: String
        let order: String
    }

    var orders: [Int64: Order] = [:]
    private var number = 0
    private let scenario: Scenario
    private let gateways: [String: SimulatedGateway]
    private let receivers: Int
    private var random: SplitMix64

    init(_ scenario: Scenario, _ gateways: [String: SimulatedGateway]) {
        self.scenario = scenario
        self.gateways = gateways
        receivers = scenario.receivers
        random = SplitMix64(seed: scenario.seed ^ 0x5409)
    }

    /// Submits a refund and enqueues it.
    func enqueue(_ fixture: any SimulationFixture, _ clock: VirtualClock) throws -> String {
        fixture.setTime(clock.wall)
        number += 1
        let order = "R-\(number)"
        let transNo = "T-\(number)"
        let gateway = random.pick(["default", "default", "default", "second", "second", "elsewhere"])
        let expected = random.chance(0.5) ? Money(amount: "1200", currency: "JPY") : nil
        let merchant = random.chance(0.3) ? SimulatedGateway.merchants[1] : SimulatedGateway.merchantNo
        gateways[gateway]?.submit(
            RefundScript(
                order: order,
                transNo: transNo,
                merchantNo: merchant,
                expected: expected,
                at: clock.time,
                until: scenario.end,
                &random
            )
        )
        var columns: [(name: String, value: String)] = []
        let naming = random.integer(0...9)
        if naming > 0 { columns.append(("merchant_order_no", order)) }
        if naming < 2 { columns.append(("trans_no", transNo)) }
        if merchant != SimulatedGateway.merchantNo || random.chance(0.1) { columns.append(("merchant_no", merchant)) }
        if gateway != "default" { columns.append(("gateway", gateway)) }
        if let expected {
            columns += [("expected_amount", expected.amount + ".0"), ("expected_currency", expected.currency)]
        }
        if random.chance(0.6) {
            let path = random.chance(0.3) ? "refunds/\(number)" : "hooks"
            columns.append(("callback_url", "https://shop\(random.integer(0...receivers - 1)).example/\(path)"))
        }
        if random.chance(0.2) { columns.append(("metadata", #"{"cart":"c-\#(number)"}"#)) }
        guard let id = try fixture.insert(columns) else {
            throw Violation("the queue refused \(order)")
        }
        orders[id] = Order(gateway: gateway, order: order)
        if random.chance(0.1) {
            let again = try fixture.insert(columns)
            try require(again == nil, "\(order) is in the queue twice")
        }
        return "enqueue #\(id) \(order) at \(gateway)"
    }

    /// What the gateway makes of a refund.
    func script(of id: Int64) -> RefundScript? {
        orders[id].flatMap { gateways[$0.gateway]?.scripts[$0.order] }
    }

    func gateway(of id: Int64) -> SimulatedGateway? {
        orders[id].flatMap { gateways[$0.gateway] }
    }
}
