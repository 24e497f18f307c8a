import RefundCore
import RefundHTTP
import RefundTestSupport

/// A shop's server that takes webhooks, or fails to in any way.
final class SimulatedReceiver {
    enum Mood {
        /// Takes everything quickly.
        case fair
        /// Fails now and then.
        case patchy
        /// Nothing but HTTP 500.
        case erring
        /// No answer before the timeout.
        case silent
        /// Takes everything and answers late.
        case slow
        /// Takes everything, and its answer is lost.
        case losing
        /// Nothing but HTTP 429 and 503.
        case throttling
        /// What it once was at is gone.
        case gone
    }

    static let timeout: Duration = .seconds(15)
    static let foul: [Mood] = [.patchy, .patchy, .erring, .silent, .slow, .losing, .throttling, .gone]

    let host: String
    let weather: Weather<Mood>
    /// Until when the last wait lasts that it asked for.
    private(set) var pausedUntil = VirtualClock.start
    private var random: SeededRandom

    init(host: String, weather: Weather<Mood>, random: SeededRandom) {
        self.host = host
        self.weather = weather
        self.random = random
    }

    /// Since when it has taken whatever came, its own pauses being over; nil when it does not.
    func fairSince(at time: Timestamp) -> Timestamp? {
        weather.fairSince(at: time).map { max($0, pausedUntil) }
    }

    /// Whether it takes a webhook now, and what it answers after how long.
    func reply(at time: Timestamp) -> (takes: Bool, after: Duration, result: Result<HTTPResponse, HTTPError>) {
        let soon = Duration.milliseconds(random.integer(5...800))
        switch weather.kind(at: time) {
        case .fair: return (true, soon, .success(.canned(random.pick([200, 201, 204, 299]))))
        case .patchy where random.chance(0.5): return (true, soon, .success(.canned(200)))
        case .patchy, .erring:
            return random.chance(0.3)
                ? (false, soon, .failure(random.pick([.connect, .connectionLost, .tls("no"), .resolve])))
                : (false, soon, .success(.canned(random.pick([500, 502, 404, 302, 100]), fields: ["Location: /"])))
        case .silent: return (false, Self.timeout, .failure(.timeout(.awaitingResponse)))
        case .slow: return (true, .milliseconds(random.integer(5_000...14_900)), .success(.canned(200)))
        case .losing:
            return (true, Self.timeout, .failure(random.pick([.timeout(.awaitingResponse), .connectionLost])))
        case .throttling:
            let wait = random.pick([Duration.seconds(1), .minutes(10), .hours(3), .hours(40)])
            // Nobody is bound to wait for longer than a day.
            pausedUntil = max(pausedUntil, time.advanced(by: min(wait, .hours(24))))
            let fields = ["Retry-After: \(wait.components.seconds)"]
            return (false, soon, .success(.canned(random.pick([429, 503]), fields: fields)))
        case .gone: return (false, soon, .success(.canned(410)))
        }
    }
}
