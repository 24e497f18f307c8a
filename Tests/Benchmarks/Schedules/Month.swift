import RefundCore
import RefundTestSupport

/// What watching some refunds costs, and how soon their verdicts are noticed.
struct Tally {
    /// Queries per refund, ascending.
    fileprivate(set) var queries: [Int] = []
    /// From settled to noticed, ascending.
    fileprivate(set) var delays: [Duration] = []
    /// Refunds that settled and were not asked about afterwards.
    fileprivate(set) var neverNoticed = 0
    /// Refunds that a person was told of because they took too long.
    fileprivate(set) var overdue = 0

    /// The mean number of queries per refund.
    var meanQueries: Double {
        Double(queries.reduce(0, +)) / Double(max(1, queries.count))
    }

    /// The part of the settled refunds that was never noticed.
    var neverNoticedPart: Double {
        Double(neverNoticed) / Double(max(1, neverNoticed + delays.count))
    }

    /// The part of the refunds that a person was told of.
    var overduePart: Double {
        Double(overdue) / Double(max(1, queries.count))
    }

    fileprivate mutating func add(_ other: Tally) {
        queries += other.queries
        delays += other.delays
        neverNoticed += other.neverNoticed
        overdue += other.overdue
    }

    fileprivate mutating func sort() {
        queries.sort()
        delays.sort()
    }
}

/// What came of a month of refunds under a schedule.
///
/// The gateway answers at once, and its rate limit is never reached.
struct Month {
    let schedule: Schedule
    private(set) var all = Tally()
    private(set) var ofKind: [PaymentKind: Tally] = [:]
    // Queries in each hour of a month that follows many like it.
    private var queriesPerHour = [Int](repeating: 0, count: SimulatedRefund.days * 24)

    init(of refunds: [SimulatedRefund], under schedule: Schedule, seed: UInt64) {
        self.schedule = schedule
        var random = SplitMix64(seed: seed)
        for refund in refunds { watch(refund, using: &random) }
        for kind in PaymentKind.allCases {
            ofKind[kind, default: Tally()].sort()
            all.add(ofKind[kind, default: Tally()])
        }
        all.sort()
    }

    private mutating func watch(_ refund: SimulatedRefund, using random: inout SplitMix64) {
        let end = refund.enqueuedAt.advanced(by: .seconds(SimulatedRefund.days * 86_400))
        var machine = RefundStateMachine(Refund(id: 1, createdAt: refund.enqueuedAt), policy: schedule.policy)
        var tally = Tally()
        var queries = 0
        while let now = machine.refund.nextQueryAt, now < end, queries < schedule.mostQueries ?? .max {
            queries += 1
            let hour = Int(now.duration(since: SimulatedRefund.start) / .seconds(3_600))
            queriesPerHour[hour % queriesPerHour.count] += 1
            let isSettled = refund.settledAt.map { $0 <= now } ?? false
            let transitions = machine.queryAnswered(
                .report(GatewayReport(isSettled ? .settled : .processing), Self.evidence),
                sentAt: now,
                at: now,
                draw: Double.random(in: 0..<1, using: &random)
            )
            if transitions.contains(where: { $0.event == .needsAttention }) { tally.overdue += 1 }
            if isSettled, let settledAt = refund.settledAt { tally.delays.append(now.duration(since: settledAt)) }
        }
        tally.queries.append(queries)
        if refund.settledAt != nil, !machine.refund.state.isFinal { tally.neverNoticed += 1 }
        ofKind[refund.kind, default: Tally()].add(tally)
    }

    private static let evidence = Evidence(code: "0", psn: nil, response: [])

    /// Queries on the busiest day of a shop that enqueues so many refunds a day.
    func peakPerDay(refundsPerDay: Int) -> Double {
        let days = stride(from: 0, to: queriesPerHour.count, by: 24).map { queriesPerHour[$0..<$0 + 24].reduce(0, +) }
        return scaled(days.max() ?? 0, to: refundsPerDay)
    }

    /// Queries per second in the busiest hour of such a shop.
    func peakPerSecond(refundsPerDay: Int) -> Double {
        scaled(queriesPerHour.max() ?? 0, to: refundsPerDay) / 3_600
    }

    private func scaled(_ queries: Int, to refundsPerDay: Int) -> Double {
        Double(queries) * Double(refundsPerDay * SimulatedRefund.days) / Double(all.queries.count)
    }
}

extension Array where Element: Comparable {
    /// The value that a part of the ascending values does not exceed, or nil where there are none.
    func quantile(_ part: Double) -> Element? {
        isEmpty ? nil : self[Swift.min(count - 1, Int(part * Double(count)))]
    }
}
