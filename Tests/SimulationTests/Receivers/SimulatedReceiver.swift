import RefundCore
import RefundHTTP

/// A server that accepts webhooks, or fails in any way.
final class SimulatedReceiver {
    enum Condition {
        /// Accepts everything quickly.
        case healthy
        /// Fails now and then.
        case flaky
        /// Accepts nothing and fails in various ways.
        case failing
        /// Never answers.
        case silent
        /// Accepts everything and answers late.
        case slow
        /// Accepts everything, and its answer is lost.
        case losing
        /// Answers HTTP 429 and 503 only.
        case throttling
        /// Answers HTTP 410 Gone.
        case gone
        /// Closed every kept-alive connection, and only answers on a new one.
        case deadConnections
    }

    static let timeout: Duration = .seconds(15)
    static let faults: [Condition] = [
        .flaky, .flaky, .failing, .silent, .slow, .losing, .throttling, .gone, .deadConnections,
    ]

    let host: String
    let schedule: FaultSchedule<Condition>
    /// When the last pause ends that it asked for.
    private(set) var pausedUntil = VirtualClock.start
    private var random: SplitMix64

    init(host: String, schedule: FaultSchedule<Condition>, random: SplitMix64) {
        self.host = host
        self.schedule = schedule
        self.random = random
    }

    /// Since when it has accepted everything, its own pauses being over; nil while it is faulty.
    func healthySince(at time: Timestamp) -> Timestamp? {
        schedule.healthySince(at: time).map { max($0, pausedUntil) }
    }

    /// Whether it accepts a webhook now, and what it answers after how long.
    func reply(
        over connection: HTTPRequest.Connection,
        at time: Timestamp
    ) -> (accepts: Bool, after: Duration, result: Result<HTTPResponse, HTTPError>) {
        let soon = Duration.milliseconds(random.integer(5...800))
        switch schedule.condition(at: time) {
        case .healthy: return (true, soon, .success(.canned(random.pick([200, 201, 204, 299]))))
        case .flaky where random.chance(0.5): return (true, soon, .success(.canned(200)))
        case .flaky, .failing:
            return random.chance(0.3)
                ? (false, soon, .failure(random.pick([.connect, .connectionLost, .tls("no"), .resolve])))
                : (false, soon, .success(.canned(random.pick([500, 502, 404, 302, 100]), fields: ["Location: /"])))
        case .silent: return (false, Self.timeout, .failure(.timeout(.awaitingResponse)))
        case .slow: return (true, .milliseconds(random.integer(5_000...14_900)), .success(.canned(200)))
        case .losing:
            return (true, Self.timeout, .failure(random.pick([.timeout(.awaitingResponse), .connectionLost])))
        case .throttling:
            let wait = random.pick([Duration.seconds(1), .minutes(10), .hours(3), .hours(40)])
            // A receiver is granted a day at most.
            pausedUntil = max(pausedUntil, time.advanced(by: min(wait, .hours(24))))
            let fields = ["Retry-After: \(wait.components.seconds)"]
            return (false, soon, .success(.canned(random.pick([429, 503]), fields: fields)))
        case .deadConnections where connection == .fresh: return (true, soon, .success(.canned(200)))
        case .deadConnections: return (false, soon, .failure(.connectionLost))
        case .gone: return (false, soon, .success(.canned(410)))
        }
    }
}
