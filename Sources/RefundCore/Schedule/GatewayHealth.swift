/// Whether a gateway believes our credentials and we believe its answers.
///
/// When it refuses them, or when nothing it answers verifies, that is the gateway's trouble and no refund's: it is then
/// asked with one refund at a time, slowly, until an answer verifies. Unsigned refusals count too, since asking less
/// cannot settle anything wrongly.
package struct GatewayHealth: Sendable {
    /// Unverified answers in a row that raise the alarm.
    package static let unverifiedLimit = 20
    /// How long answers may stay unverified before they raise the alarm.
    package static let unverifiedPeriod: Duration = .seconds(10 * 60)
    /// The wait between queries while the alarm stands.
    package static let probeInterval: Duration = .seconds(15)
    /// How many refunds whose refusal proved to be their own are remembered.
    static let refusedAloneLimit = 1_000

    /// What is wrong with a gateway.
    package struct Trouble: Hashable, Sendable {
        /// The gateway's code, or `UNVERIFIED` when no answer of it verifies.
        package var code: String
        /// The gateway's words, or ours.
        package var message: String
        /// Whether the refusal was signed by the gateway; otherwise it is only a hint.
        package var isVerified: Bool
        /// When it began.
        package var since: Timestamp

        /// Creates a trouble.
        package init(code: String, message: String, isVerified: Bool, since: Timestamp) {
            self.code = code
            self.message = message
            self.isVerified = isVerified
            self.since = since
        }
    }

    /// What follows from an answer.
    package enum Action: Hashable, Sendable {
        /// Nothing.
        case none
        /// The gateway is misconfigured from now on: tell it once.
        case alarm(Trouble)
        /// An answer verifies again: ask normally.
        case recover
    }

    /// What is wrong now, or nil.
    package private(set) var trouble: Trouble?
    private var unverified: (count: Int, since: Timestamp)?
    private var nextProbe: Timestamp?
    private var lastVerified: Timestamp?
    private var clock = ClockSkew()
    /// The refunds that raised the alarm by a refusal and have not been believed since.
    private var refusedAlone: Set<Int64> = []

    /// Creates the health of a gateway, as remembered from before a restart.
    package init(trouble: Trouble? = nil) {
        self.trouble = trouble
    }

    /// Takes note of what came of a query for the refund with the id `refund`.
    package mutating func answered(_ outcome: QueryOutcome, of refund: Int64, at now: Timestamp) -> Action {
        switch clock.judge(outcome, at: now) {
        case .report, .notFound, .inconclusive:
            lastVerified = now
            refusedAlone.remove(refund)
            unverified = nil
            nextProbe = nil
            guard trouble != nil else { return .none }
            trouble = nil
            return .recover
        case .credentialsRefused(let code, let message, let isVerified):
            if trouble == nil {
                if isRefusedAlone(refund, at: now) { return .none }
                if refusedAlone.count >= Self.refusedAloneLimit { refusedAlone.removeFirst() }
                refusedAlone.insert(refund)
            }
            return raise(code: code, message: message, isVerified: isVerified, at: now)
        case .unverified(let reason, _):
            let run = (count: (unverified?.count ?? 0) + 1, since: unverified?.since ?? now)
            unverified = run
            guard run.count >= Self.unverifiedLimit || now.duration(since: run.since) >= Self.unverifiedPeriod else {
                return .none
            }
            return raise(code: "UNVERIFIED", message: reason, isVerified: false, at: now)
        case .slowedDown, .unreachable:
            return .none
        }
    }

    // A refund that raised the alarm, while others are believed and it is refused again, is refused for reasons of its
    // own: otherwise it would raise the alarm at each of its queries. Once nothing is believed any more, it counts again.
    private func isRefusedAlone(_ refund: Int64, at now: Timestamp) -> Bool {
        guard let lastVerified, refusedAlone.contains(refund) else { return false }
        return now.duration(since: lastVerified) < Self.unverifiedPeriod
    }

    private mutating func raise(code: String, message: String, isVerified: Bool, at now: Timestamp) -> Action {
        nextProbe = now.advanced(by: Self.probeInterval)
        guard trouble == nil else { return .none }
        let trouble = Trouble(code: code, message: message, isVerified: isVerified, since: now)
        self.trouble = trouble
        return .alarm(trouble)
    }

    /// When the gateway may be asked next: nil while it is healthy, else the time of the next single query.
    package func nextQuery(at now: Timestamp) -> Timestamp? {
        guard trouble != nil else { return nil }
        return nextProbe ?? now
    }

    /// Takes note that the clock was set back, so that nothing waits for as long as it went back.
    package mutating func clockSetBack(by step: Duration) {
        nextProbe = nextProbe?.advanced(by: .zero - step)
        lastVerified = lastVerified?.advanced(by: .zero - step)
        if let since = unverified?.since { unverified?.since = since.advanced(by: .zero - step) }
    }

    /// Takes note that a query was sent while the alarm stands.
    package mutating func probed(at now: Timestamp) {
        guard trouble != nil else { return }
        nextProbe = now.advanced(by: Self.probeInterval)
    }
}
