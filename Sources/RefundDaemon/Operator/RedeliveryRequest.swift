package import RefundCore
import RefundScheduler
package import RefundStore

/// An operator's request to send webhooks again.
package enum RedeliveryRequest: Sendable {
    /// One webhook, whatever its state.
    case webhook(String)
    /// Every dead webhook.
    case dead
    /// Every pending webhook, which becomes due now and keeps its attempts.
    case pending
    /// Every webhook created at this time or later; a pending one becomes due now and keeps its attempts.
    case since(Timestamp)

    /// What a request did.
    package struct Count: Hashable, Sendable {
        /// The webhooks that are due again.
        package var due = 0
        /// The pending webhooks that are due now.
        package var hastened = 0
        /// The webhooks that retention has pruned, which stay as they are.
        package var pruned = 0
        /// The failing endpoints: each gets one webhook at once, as a probe.
        package var probed: [String] = []
    }

    // Bounds how long one transaction blocks the daemon and applications.
    private static let batchSize = 500

    /// Makes the webhooks due; the daemon sends them.
    ///
    /// - Parameters:
    ///   - store: The queue, open for writing.
    ///   - actor: The operator.
    ///   - report: Called after each transaction with the number so far.
    /// - Returns: The numbers of webhooks.
    /// - Throws: `CommandFailure` if the named webhook does not exist, is being sent or was pruned, or if the database
    ///   fails.
    package func run(
        _ store: any QueueStore,
        by actor: String,
        _ report: (Int) -> Void = { _ in }
    ) async throws(CommandFailure) -> Count {
        var count = try await send(store, by: actor, report)
        count.probed = try CommandFailure.mapping { () throws(StoreError) in
            let (open, pauses) = try store.read { tx throws(StoreError) in
                (try tx.openBreakers(.endpoint), try tx.pauses())
            }
            let now = SystemClock().now()
            return open.filter { name, breaker in
                pauses[.endpoint(name)] == nil && breaker.nextProbe.map { $0 <= now } == true
            }.keys.sorted()
        }
        return count
    }

    private func send(
        _ store: any QueueStore,
        by actor: String,
        _ report: (Int) -> Void
    ) async throws(CommandFailure) -> Count {
        switch self {
        case .webhook(let id):
            try redeliver(id, store, by: actor)
            return Count(due: 1)
        case .dead:
            return try await redeliver([.dead], since: Timestamp(milliseconds: .min), store, by: actor, report)
        case .pending:
            return try await redeliver([.pending], since: Timestamp(milliseconds: .min), store, by: actor, report)
        case .since(let time):
            return try await redeliver(WebhookState.allCases, since: time, store, by: actor, report)
        }
    }

    private func redeliver(_ id: String, _ store: any QueueStore, by actor: String) throws(CommandFailure) {
        let now = SystemClock().now()
        var outcome = try store.command { tx throws(StoreError) in .success(try tx.redeliver(id, by: actor, at: now)) }
        if outcome == .inFlight, let lock = try CommandFailure.mapping(store.lockForCommand) {
            // No daemon runs; one that was killed left its claims behind.
            outcome = try store.command { tx throws(StoreError) in
                try tx.releaseClaims()
                return .success(try tx.redeliver(id, by: actor, at: now))
            }
            withExtendedLifetime(lock) {}
        }
        switch outcome {
        case .due, .hastened, .changed:
            return
        case .inFlight:
            let problem = "webhook \(id) is being sent right now; try again once this attempt has ended"
            throw CommandFailure(.failed, [problem])
        case .pruned(let time):
            let problem = "the body of webhook \(id) was pruned on \(time.iso8601Seconds); it cannot be sent again"
            throw CommandFailure(.failed, [problem, "[retention] webhooks says how long bodies are kept"])
        case .unknown:
            throw CommandFailure(.noSuchRefund, ["there is no webhook \(id); `refundd webhooks` lists them"])
        }
    }

    // All webhooks are read before anything is written, so that one that fails again at once is not picked up twice. One
    // that is delivered or superseded meanwhile stays so.
    private func redeliver(
        _ states: [WebhookState],
        since time: Timestamp,
        _ store: any QueueStore,
        by actor: String,
        _ report: (Int) -> Void
    ) async throws(CommandFailure) -> Count {
        let webhooks = try store.look { tx throws(StoreError) in try tx.webhooks(in: states, since: time) }
        var count = Count()
        try await store.command(on: webhooks, inBatchesOf: Self.batchSize) { tx, batch throws(StoreError) in
            let now = SystemClock().now()
            var outcomes: [Redelivery] = []
            for (id, state) in batch { outcomes.append(try tx.redeliver(id, from: state, by: actor, at: now)) }
            return outcomes
        } _: { outcomes in
            for outcome in outcomes {
                switch outcome {
                case .due: count.due += 1
                case .hastened: count.hastened += 1
                case .pruned: count.pruned += 1
                case .inFlight, .changed, .unknown: break
                }
            }
            report(count.due + count.hastened)
        }
        return count
    }
}
