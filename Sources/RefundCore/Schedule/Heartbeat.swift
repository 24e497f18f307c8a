/// Decides when to tell a monitor that work gets done, and when that it no longer does.
///
/// A heartbeat proves progress, not life: since the last one, the scheduler has committed a cycle, no due refund waited
/// for long, and if refunds were queried, a gateway answered. Otherwise the monitor hears so once, and nothing more
/// until there is proof again.
package struct Heartbeat: Sendable {
    /// How long a due refund may wait.
    package static let longestLag: Duration = .seconds(60)
    /// The wait before the next decision after one that was not to send a heartbeat.
    package static let retryInterval: Duration = .seconds(60)
    // The wait before the next decision while a daemon has just started.
    private static let startInterval: Duration = .seconds(1)

    /// What has happened since the last heartbeat, or since the last decision that there is none.
    package struct Evidence: Hashable, Sendable {
        /// Whether the scheduler has committed a cycle that wrote something.
        package var isCommitted = false
        /// The queries that ended.
        package var queries = 0
        /// The queries that a gateway answered verifiably.
        package var answers = 0
        /// How long the refund that is due longest has waited; nil if the queue cannot be read.
        package var dueLag: Duration? = .zero

        /// Creates the evidence of nothing.
        package init() {}

        /// Why it does not prove that work gets done; nil if it does.
        package var shortfall: String? {
            if !isCommitted { return "the scheduler does not commit its work" }
            guard let dueLag else { return "the queue cannot be read" }
            if dueLag >= longestLag { return "a due refund has not been queried for \(dueLag.rounded)" }
            return queries > 0 && answers == 0 ? "no gateway has given a verified answer" : nil
        }
    }

    /// What to tell the monitor.
    package enum Signal: Hashable, Sendable {
        /// Work gets done.
        case alive
        /// Work no longer gets done, for this reason.
        case failed(String)
    }

    private let interval: Duration
    /// When the next decision is due.
    package private(set) var nextDecision: Duration
    // Before this, a lack of evidence is none of progress: the daemon has just started.
    private let startLimit: Duration
    private var hasBegun = false
    private var isFailing = false

    /// Creates the heartbeat of a daemon that has just started.
    ///
    /// - Parameters:
    ///   - interval: The time between two heartbeats.
    ///   - uptime: The time on a clock that cannot be set, here and in every decision.
    package init(every interval: Duration, at uptime: Duration) {
        self.interval = interval
        nextDecision = uptime
        startLimit = uptime + interval
    }

    /// Decides what to tell the monitor.
    ///
    /// - Parameters:
    ///   - evidence: What has happened; reset once a decision uses it.
    ///   - uptime: The time.
    /// - Returns: What to tell, or nil for nothing.
    package mutating func decide(_ evidence: inout Evidence, at uptime: Duration) -> Signal? {
        guard let reason = evidence.shortfall else {
            (hasBegun, isFailing, evidence) = (true, false, Evidence())
            nextDecision = uptime + interval
            return .alive
        }
        guard hasBegun || uptime >= startLimit else {
            nextDecision = uptime + Self.startInterval
            return nil
        }
        evidence = Evidence()
        nextDecision = uptime + Self.retryInterval
        defer { isFailing = true }
        return isFailing ? nil : .failed(reason)
    }

    /// Records that the monitor did not accept a heartbeat, so that another one follows soon.
    package mutating func wasNotAccepted(at uptime: Duration) {
        nextDecision = min(nextDecision, uptime + Self.retryInterval)
    }
}
