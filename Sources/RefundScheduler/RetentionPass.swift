import RefundCore
import RefundStore

/// How far retention is: one pass a day, in small steps.
struct RetentionPass: Sendable {
    /// What must be free after a cycle for a step, which takes a few milliseconds.
    static let margin: Duration = .milliseconds(50)
    /// When a step that found other work is tried again.
    static let retryInterval: Duration = .seconds(1)
    private static let interval: Duration = .seconds(86_400)
    private static let pause: Duration = .milliseconds(100)

    private var next: Timestamp?
    private var stage = Prunable.webhooks
    private var after: Int64 = 0
    private var sum = PrunedRows()

    /// When the next step is due, even in the past; nil if the policy keeps everything.
    func due(_ policy: RetentionPolicy, at now: Timestamp) -> Timestamp? {
        guard policy != .forever else { return nil }
        // A time further ahead comes from a clock that was set back.
        return next.flatMap { $0 > now.advanced(by: Self.interval) ? nil : $0 } ?? now
    }

    /// The next step.
    func request(_ policy: RetentionPolicy, at now: Timestamp) -> PruneRequest? {
        let left = Prunable.allCases.drop { $0 != stage }
        guard let what = left.first(where: { policy.age(of: $0) != nil }), let age = policy.age(of: what) else {
            return nil
        }
        return PruneRequest(what, until: now.advanced(by: .zero - age), after: what == stage ? after : 0)
    }

    /// Records a step.
    ///
    /// - Parameters:
    ///   - request: The step.
    ///   - batch: What it found.
    ///   - rows: What it pruned.
    ///   - policy: The policy.
    ///   - now: The time.
    /// - Returns: What the whole pass pruned, once it is over.
    mutating func completed(
        _ request: PruneRequest,
        _ batch: PruneBatch,
        _ rows: PrunedRows,
        _ policy: RetentionPolicy,
        at now: Timestamp
    ) -> PrunedRows? {
        sum += rows
        (stage, after, next) = (request.what, batch.last, now.advanced(by: Self.pause))
        guard batch.isLast else { return nil }
        if stage == .webhooks, policy.ledger != nil {
            (stage, after) = (.ledger, 0)
            return nil
        }
        let total = sum
        self = RetentionPass()
        next = now.advanced(by: Self.interval)
        return total
    }

    /// Leaves the database alone for a while.
    mutating func postpone(at now: Timestamp) {
        next = now.advanced(by: .seconds(60))
    }
}

extension RetentionPolicy {
    fileprivate func age(of what: Prunable) -> Duration? { what == .webhooks ? webhooks : ledger }
}
