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
    ///   - longest: The longest period.
    ///   - end: When the last fault ends for good.
    ///   - random: The source of randomness.
    init(
        healthy: Condition,
        faults: [Condition],
        probability: Double,
        longest: Duration,
        until end: Timestamp,
        _ random: inout SplitMix64
    ) {
        self.healthy = healthy
        periods = [Period(from: VirtualClock.start, condition: healthy)]
        var time = VirtualClock.start
        while time < end, probability > 0 {
            time = time.advanced(by: random.duration(.minutes(5), longest))
            guard time < end else { break }
            periods.append(Period(from: time, condition: random.chance(probability) ? random.pick(faults) : healthy))
        }
        periods.append(Period(from: end, condition: healthy))
    }

    /// Creates a schedule that never changes.
    init(always condition: Condition, healthy: Condition) {
        self.healthy = healthy
        periods = [Period(from: VirtualClock.start, condition: condition)]
    }

    func condition(at time: Timestamp) -> Condition {
        periods.last { $0.from <= time }?.condition ?? healthy
    }

    /// Since when the peer has been healthy without a break, or nil while it is faulty.
    func healthySince(at time: Timestamp) -> Timestamp? {
        var since: Timestamp?
        for period in periods.reversed() where period.from <= time {
            guard period.condition == healthy else { break }
            since = period.from
        }
        return since
    }
}
