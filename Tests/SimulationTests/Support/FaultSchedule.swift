import RefundCore

/// How one peer of the daemon behaves over time: healthy at first and at the end, with periods of faults in between.
struct FaultSchedule<Condition: Equatable> {
    private struct Period {
        let from: Timestamp
        let condition: Condition
    }

    private var periods: [Period]
    private let healthy: Condition

    /// Draws a schedule.
    ///
    /// - Parameters:
    ///   - healthy: The condition between faults and at the end.
    ///   - faults: The conditions to draw from.
    ///   - probability: How likely a period is faulty.
    ///   - longest: The longest period of a condition.
    ///   - end: When the last fault ends for good.
    ///   - random: The source of randomness.
    init(
        healthy: Condition,
        faults: [Condition],
        probability: Double,
        longest: (Condition) -> Duration,
        until end: Timestamp,
        _ random: inout SplitMix64
    ) {
        self.healthy = healthy
        periods = [Period(from: VirtualClock.start, condition: healthy)]
        var time = VirtualClock.start.advanced(by: random.duration(.minutes(5), longest(healthy)))
        while time < end, probability > 0 {
            let condition = random.chance(probability) ? random.pick(faults) : healthy
            periods.append(Period(from: time, condition: condition))
            time = time.advanced(by: random.duration(.minutes(5), longest(condition)))
        }
        periods.append(Period(from: end, condition: healthy))
    }

    /// Creates a schedule that never changes.
    init(always condition: Condition, healthy: Condition) {
        self.healthy = healthy
        periods = [Period(from: VirtualClock.start, condition: condition)]
    }

    func condition(at time: Timestamp) -> Condition {
        period(at: time)?.condition ?? healthy
    }

    /// Since when the current period has lasted.
    func periodStart(at time: Timestamp) -> Timestamp { period(at: time)?.from ?? VirtualClock.start }

    /// Since when a condition has not held, or nil while it does.
    func freeSince(_ condition: Condition, at time: Timestamp) -> Timestamp? {
        since(time) { $0 != condition }
    }

    private func since(_ time: Timestamp, _ holds: (Condition) -> Bool) -> Timestamp? {
        periods.reversed().drop { $0.from > time }.prefix { holds($0.condition) }.last?.from
    }

    private func period(at time: Timestamp) -> Period? { periods.last { $0.from <= time } }

    /// Since when the peer has been healthy without a break, or nil while it is faulty.
    func healthySince(at time: Timestamp) -> Timestamp? {
        since(time) { $0 == healthy }
    }
}
