import RefundCore
import RefundPayCloud

/// What a gateway makes of one refund, phase by phase.
struct RefundScript {
    /// What the gateway says from some time on.
    enum Status: Equatable {
        case unknown
        case known(TransStatus, amount: String?, currency: String?)
    }

    let order: String
    let transNo: String
    let merchantNo: String
    let expected: Money?
    private(set) var phases: [(from: Timestamp, status: Status)]

    /// What the gateway says at a time.
    func phase(at time: Timestamp) -> Int {
        phases.lastIndex { $0.from <= time } ?? 0
    }

    /// How the refund must end and since when that can be known; nil if only an operator can end it.
    var verdict: (state: RefundState, from: Timestamp)? {
        for (from, status) in phases {
            if let state = state(for: status) { return (state, from) }
        }
        return nil
    }

    /// The final state that a status leads to.
    func state(for status: Status) -> RefundState? {
        switch status {
        case .unknown, .known(.created, _, _), .known(.inProgress, _, _): nil
        case .known(.closed, _, _), .known(.cancelled, _, _): .failed
        case .known(.succeeded, let amount, let currency):
            expected == nil || Money(amount: amount ?? "", currency: currency ?? "") == expected ? .settled : nil
        }
    }

    /// Draws the script of a refund that is submitted at a time, and decided by `end` if ever.
    init(
        order: String,
        transNo: String,
        merchantNo: String,
        expected: Money?,
        at start: Timestamp,
        until end: Timestamp,
        _ random: inout SplitMix64
    ) {
        self.order = order
        self.transNo = transNo
        self.merchantNo = merchantNo
        self.expected = expected
        phases = []
        var time = start
        func add(_ status: TransStatus, amount: String? = nil, currency: String? = nil) {
            phases.append((time, .known(status, amount: amount, currency: currency)))
        }
        func wait(_ random: inout SplitMix64, _ longest: Duration) {
            time = min(time.advanced(by: random.duration(.seconds(1), longest)), end)
        }
        if random.chance(0.2) {
            phases.append((time, .unknown))
            guard random.chance(0.9) else { return }
            wait(&random, random.chance(0.8) ? .hours(2) : .days(10))
        }
        if random.chance(0.5) {
            add(.created)
            wait(&random, .minutes(10))
        }
        if random.chance(0.8) {
            add(.inProgress)
            guard random.chance(0.95) else { return }
            wait(&random, random.chance(0.8) ? .hours(6) : .days(10))
        }
        switch random.integer(0...9) {
        case 0: add(.closed)
        case 1: add(.cancelled)
        case 2 where expected != nil:
            add(.succeeded, amount: "1", currency: random.pick(["JPY", "XXX"]))
            guard random.chance(0.5) else { return }
            wait(&random, .days(3))
            add(.succeeded, amount: expected?.amount, currency: expected?.currency)
        default:
            let money = expected ?? Money(amount: "12.5", currency: "EUR")
            add(.succeeded, amount: money.amount, currency: money.currency)
        }
    }
}
