import GRDB
import RefundCore

@testable import RefundDaemon

/// Watches how often a daemon asks and sends: backoff, rates, and what may be in flight.
final class PaceWatch {
    private var sends: [String: [Timestamp]] = [:]
    private var notBefore: [Int64: (attempts: Int, time: Timestamp)] = [:]
    private var retries: [String: Timestamp] = [:]
    private var troubled: Set<String> = []
    private var lastProbes: [String: Timestamp] = [:]

    /// The wall clock was set: what was planned by it says nothing about the time that passes.
    func clockWasSet() {
        sends = [:]
        notBefore = [:]
        retries = [:]
        lastProbes = [:]
    }

    /// A daemon that starts knows nothing of what another one sent, but keeps to the due times.
    ///
    /// It forgets the trouble of gateways that its configuration does not have, however soon it ends.
    func daemonStarted(_ setup: Setup) {
        sends = [:]
        retries = [:]
        lastProbes = [:]
        troubled.formIntersection(setup.limits.keys)
    }

    /// Another policy counts due times as wrong that the old one gave.
    func configurationChanged(_ setup: Setup) {
        sends = [:]
        notBefore = [:]
        troubled.formIntersection(setup.limits.keys)
    }

    /// A person wants a refund asked for now.
    func queryWanted(_ id: Int64) {
        notBefore[id] = nil
    }

    /// A person wants a webhook sent again now.
    func redeliveryWanted(_ id: String) {
        retries[id] = nil
    }

    /// A gateway refuses the credentials or cannot be believed, which is told once.
    func troubleBegan(_ gateway: String) throws {
        try promise(troubled.insert(gateway).inserted, "the trouble of \(gateway) is told twice")
    }

    /// A gateway's answers verify again.
    func troubleEnded(_ gateway: String, _ answers: [QueryAnswer]) throws {
        troubled.remove(gateway)
        let isBelieved = answers.contains { answer in
            guard answer.refund.gateway == gateway else { return false }
            switch answer.outcome {
            case .report, .notFound, .inconclusive: return true
            default: return false
            }
        }
        try promise(isBelieved, "\(gateway) is believed again without an answer that verifies")
    }

    // MARK: - Queries

    func queried(_ refund: Refund, _ history: LedgerWatch.History, _ daemon: SimulatedDaemon, at time: Timestamp) throws
    {
        let id = refund.id
        try promise(!history.isFinal, "#\(id) is asked for though it is \(history.state)")
        guard let limits = daemon.setup.limits[refund.gateway] else { throw Violation("#\(id) has no gateway") }
        let inFlight = daemon.queries[refund.gateway] ?? []
        try promise(!inFlight.contains(id), "#\(id) is asked for twice at the same time")
        try promise(inFlight.count < limits.maxInFlight, "\(refund.gateway) has \(inFlight.count + 1) in flight")
        try checkRate(refund.gateway, limits, at: time)
        if troubled.contains(refund.gateway) { try checkProbe(refund.gateway, inFlight, at: time) }
        if let (attempts, earliest) = notBefore[id], attempts == refund.attempts, refund.attention != .misconfigured {
            let early = earliest.duration(since: time)
            try promise(early <= .milliseconds(2), "#\(id) is asked for \(early) too early after \(attempts) queries")
        }
    }

    private func checkProbe(_ gateway: String, _ inFlight: Set<Int64>, at time: Timestamp) throws {
        try promise(inFlight.isEmpty, "\(gateway) is in trouble and asked with two refunds at a time")
        if let last = lastProbes[gateway] {
            let wait = time.duration(since: last)
            try promise(wait >= .milliseconds(14_998), "\(gateway) is in trouble and asked after \(wait)")
        }
        lastProbes[gateway] = time
    }

    private func checkRate(_ gateway: String, _ limits: QueryLimits, at time: Timestamp) throws {
        let perSecond = limits.maxQueriesPerSecond
        let window = Duration.seconds(perSecond < 1 ? 1 / perSecond : 1)
        let permits = max(1, Int(perSecond))
        var recent = (sends[gateway] ?? []).filter { time.duration(since: $0) < window }
        try promise(recent.count < permits, "\(gateway) is asked \(recent.count + 1) times within \(window)")
        recent.append(time)
        sends[gateway] = recent
    }

    /// A query came back and its outcome is written.
    ///
    /// - Parameters:
    ///   - answer: What came back.
    ///   - row: The refund's row now.
    ///   - policy: The policy that the daemon goes by.
    ///   - clock: The time.
    /// - Throws: `Violation`.
    func written(_ answer: QueryAnswer, _ row: Row, _ policy: PollingPolicy, _ clock: VirtualClock) throws {
        let id = answer.refund.id
        let attempts: Int = row["attempts"]
        guard row["leased_until"] as Int64? == nil, !LedgerWatch.History.finalStates.contains(row["state"]) else {
            return
        }
        guard attempts == answer.refund.attempts + 1 else {
            switch answer.outcome {
            case .report, .notFound, .inconclusive:
                throw Violation("#\(id): a verified answer was not counted")
            default: return
            }
        }
        let range = Self.wait(policy, row, attempts: attempts, at: clock.wall)
        let due = Timestamp(milliseconds: row["next_query_at"] ?? 0)
        try promise(
            range.contains(due.duration(since: clock.wall)),
            "#\(id) waits \(due.duration(since: clock.wall)) instead of \(range) after \(attempts) queries"
        )
        notBefore[id] = (attempts, clock.time.advanced(by: range.lowerBound))
    }

    // The contract's formula once more.
    private static func wait(
        _ policy: PollingPolicy,
        _ row: Row,
        attempts: Int,
        at wall: Timestamp
    ) -> ClosedRange<Duration> {
        let age = wall.duration(since: Timestamp(milliseconds: row["created_at"]))
        var wait = policy.initialInterval
        for _ in 1..<max(attempts, 2) where attempts > 1 && wait < policy.maxInterval {
            wait = wait * policy.multiplier
        }
        wait = min(wait, policy.maxInterval)
        if age >= policy.slowAfter || row["attention"] as String? == "mismatch" { wait = policy.slowInterval }
        let slack = Duration.milliseconds(2)
        return wait * (1 - policy.jitter) - slack...wait * (1 + policy.jitter) + slack
    }

    // MARK: - Webhooks

    func sent(_ delivery: Delivery, _ daemon: SimulatedDaemon, at time: Timestamp) throws {
        let id = delivery.id
        try promise(daemon.setup.hasSecret, "webhook \(id) is sent without a secret")
        try promise(daemon.deliveries.count < daemon.setup.capacity, "too many webhooks are in flight")
        try promise(daemon.deliveries[id] == nil, "webhook \(id) is sent twice at the same time")
        if let refund = delivery.refundID {
            try promise(!daemon.deliveries.values.contains(refund), "#\(refund) has two webhooks in flight")
        }
        if let earliest = retries[id] {
            try promise(earliest <= time, "webhook \(id) is sent again \(earliest.duration(since: time)) too early")
        }
    }

    func ended(_ delivery: Delivery, _ schedule: RetrySchedule, at time: Timestamp) {
        guard delivery.attempts < schedule.delays.count else { return }
        let least = schedule.delays[delivery.attempts] * (1 - RetrySchedule.jitter) - .milliseconds(2)
        retries[delivery.id] = time.advanced(by: least)
    }
}
