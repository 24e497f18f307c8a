import RefundCore
import RefundTestSupport

/// How one side of the world behaves over time: fair at first and at the end, and by turns in between.
struct Weather<Kind: Equatable> {
    private struct Period {
        let from: Timestamp
        let kind: Kind
    }

    private var periods: [Period]
    private let fair: Kind

    /// Weather with turns.
    ///
    /// - Parameters:
    ///   - fair: What everything is in the end, and what comes most often.
    ///   - foul: What else comes.
    ///   - foulness: How likely a period is foul.
    ///   - longest: The longest period.
    ///   - end: When it clears up for good.
    ///   - random: What else decides.
    init(
        fair: Kind,
        foul: [Kind],
        foulness: Double,
        longest: Duration,
        until end: Timestamp,
        _ random: inout SeededRandom
    ) {
        self.fair = fair
        periods = [Period(from: VirtualClock.start, kind: fair)]
        var time = VirtualClock.start
        while time < end, foulness > 0 {
            time = time.advanced(by: random.duration(.minutes(5), longest))
            guard time < end else { break }
            periods.append(Period(from: time, kind: random.chance(foulness) ? random.pick(foul) : fair))
        }
        periods.append(Period(from: end, kind: fair))
    }

    /// The same for ever.
    init(always kind: Kind, fair: Kind) {
        self.fair = fair
        periods = [Period(from: VirtualClock.start, kind: kind)]
    }

    func kind(at time: Timestamp) -> Kind {
        periods.last { $0.from <= time }?.kind ?? fair
    }

    /// Since when it has been fair without a break; nil while it is foul.
    func fairSince(at time: Timestamp) -> Timestamp? {
        var since: Timestamp?
        for period in periods.reversed() where period.from <= time {
            guard period.kind == fair else { break }
            since = period.from
        }
        return since
    }
}
