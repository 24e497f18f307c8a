package import RefundConfiguration
package import RefundCore
import RefundScheduler
package import RefundStore

/// Queries the gateway about one refund now: through the running daemon, otherwise directly under the daemon's lock.
///
/// Either way the scheduler interprets the answer, with backoff, ledger and webhook. Only the daemon sends that
/// webhook.
package struct ImmediateQuery: Sendable {
    private static let patience: Duration = .seconds(15)
    private static let pollInterval: Duration = .milliseconds(50)
    // Usually a daemon runs and answers, so its lock is seldom tried.
    private static let pollsPerLockAttempt = 10

    private let configuration: Configuration
    private let store: any QueueStore
    private let patience: Duration
    private let clock = SystemClock()

    /// Creates a query.
    ///
    /// - Parameters:
    ///   - configuration: The configuration with the gateways and their keys.
    ///   - store: The queue, open for writing.
    ///   - patience: How far beyond the gateway's timeout to wait for the daemon.
    package init(_ configuration: Configuration, _ store: any QueueStore, patience: Duration = Self.patience) {
        self.configuration = configuration
        self.store = store
        self.patience = patience
    }

    /// How long a command may hold the daemon's lock.
    static func longest(_ configuration: Configuration) -> Duration {
        (configuration.gateways.values.map(\.timeout).max() ?? .zero) + patience
    }

    /// Makes the refund due before all others.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - actor: The operator who requests the query.
    ///   - tx: The transaction to write in.
    /// - Returns: The refund before the query, or why it cannot be queried, in which case nothing is written.
    /// - Throws: `StoreError` if the database fails.
    package func request(
        _ id: Int64,
        by actor: String,
        _ tx: any QueueWriter
    ) throws(StoreError) -> Result<Refund, CommandFailure> {
        guard let refund = try tx.refund(id: id)?.refund else { return .failure(.noRefund(id)) }
        if refund.state.isFinal { return .failure(try .isFinal(refund, tx)) }
        guard let gateway = configuration.gateways[refund.gateway] else {
            let problem =
                "the configuration has no gateway \"\(refund.gateway)\"; add [gateways.\(refund.gateway)] to it"
            return .failure(CommandFailure(.configuration, ["\(configuration.file): \(problem)"]))
        }
        guard refund.merchantNo ?? gateway.merchantNo != nil else {
            let problem = "the row has no merchant_no and gateway \"\(refund.gateway)\" has none; set its merchant_no"
            return .failure(CommandFailure(.configuration, ["\(configuration.file): \(problem)"]))
        }
        if let pause = try tx.pauses()[.gateway(refund.gateway)] { return .failure(isPaused(refund, pause)) }
        try tx.requestQuery(id, by: actor, at: clock.now())
        return .success(refund)
    }

    /// Waits for the daemon's answer, or queries the gateway if no daemon runs.
    ///
    /// - Parameter refund: The refund before the query.
    /// - Returns: The refund after a verified answer, whatever the answer says.
    /// - Throws: `CommandFailure` without a verified answer: `.unavailable` if the gateway gave none, `.failed` if the
    ///   daemon did not query it in time.
    package func answer(to refund: Refund) async throws(CommandFailure) -> Refund {
        let limit = (configuration.gateways[refund.gateway]?.timeout ?? .zero) + patience
        let deadline = ContinuousClock.now + limit
        var polls = 0
        while ContinuousClock.now < deadline {
            if polls % Self.pollsPerLockAttempt == 0, let lock = try CommandFailure.mapping(store.lockForCommand) {
                defer { withExtendedLifetime(lock) {} }
                return try await queryDirectly(refund, lock)
            }
            if let answered = try answered(refund) { return answered }
            try? await Task.sleep(for: Self.pollInterval)
            polls += 1
        }
        let lag = try store.look { tx throws(StoreError) in try tx.status(at: clock.now()).dueLag }
        let problem = "refundd is running but has not queried \(refund.title) within \(limit.formatted)"
        let reason = lag < .seconds(1) ? "" : "; it is \(lag.formatted) behind"
        let outlook = "the refund stays next in line; see `refundd show '#\(refund.id)'` later"
        throw CommandFailure(.failed, [problem + reason, outlook])
    }

    /// Returns the refund once its query has been answered; nil until then.
    private func answered(_ asked: Refund) throws(CommandFailure) -> Refund? {
        let found =
            try store.look { tx throws(StoreError) in
                guard let refund = try tx.refund(id: asked.id)?.refund else { return .failure(.noRefund(asked.id)) }
                if refund.lastQueryAt != asked.lastQueryAt || refund.attempts != asked.attempts {
                    guard !refund.isLastQueryVerified else { return .success(refund) }
                    return .failure(unavailable(refund, refund.lastError ?? "the gateway did not answer"))
                }
                if refund.state.isFinal { return .failure(try .isFinal(refund, tx)) }
                if let pause = try tx.pauses()[.gateway(refund.gateway)] { return .failure(isPaused(refund, pause)) }
                // The daemon only probes such a gateway, at intervals and with any refund.
                if let incident = try tx.incidents()[refund.gateway] {
                    let problem = "gateway \(refund.gateway) has needed an operator since \(incident.since.iso8601)"
                    return .failure(unavailable(refund, "\(problem): \(incident.code): \(incident.message)"))
                }
                if let breaker = try tx.openBreakers(.gateway)[refund.gateway] {
                    let problem = "gateway \(refund.gateway) has not answered since \(breaker.since.iso8601)"
                    return .failure(unavailable(refund, "\(problem): \(breaker.reason)"))
                }
                return nil
            } as Result<Refund, CommandFailure>?
        return try found?.get()
    }

    private func unavailable(_ refund: Refund, _ problem: String) -> CommandFailure {
        let outlook = "\(refund.title) stays \(refund.state.rawValue) and is queried again"
        return CommandFailure(.unavailable, [problem, outlook])
    }

    private func isPaused(_ refund: Refund, _ pause: Pause) -> CommandFailure {
        let peer = Peer.gateway(refund.gateway)
        let problem = "\(peer) is paused \(pause.description), so \(refund.title) is not queried"
        return CommandFailure(.unavailable, [problem, "to go on, run: \(peer.resumeCommand)"])
    }

    // MARK: - Without a daemon

    private func queryDirectly(_ refund: Refund, _ lock: any ServiceLock) async throws(CommandFailure) -> Refund {
        _ = try CommandFailure.mapping { () throws(StoreError) in try lock.regainTrust(in: store) }
        lock.noteServed()
        let credentials = try ConfigurationLoader.credentials(configuration)
        let connections = try Connections(configuration, credentials)
        defer { connections.shutDown() }
        try await query(refund.id, connections.settings)
        guard let answered = try answered(refund) else { throw unavailable(refund, "the gateway did not answer") }
        return answered
    }

    // Runs one cycle of a scheduler that claims nothing. The lock takes the place of a claim, and the current lease
    // fences the write, so a killed command leaves nothing behind.
    private func query(_ id: Int64, _ settings: SchedulerSettings) async throws(CommandFailure) {
        var state = try CommandFailure.mapping { () throws(StoreError) in
            try SchedulerState(takingOver: store, settings, at: clock.now())
        }
        state.isDraining = true
        guard let row = try store.look({ tx throws(StoreError) in try tx.refund(id: id) }), !row.refund.state.isFinal,
            let gateway = settings.gateways[row.refund.gateway],
            let merchantNo = row.refund.merchantNo ?? gateway.merchantNo,
            let query = RefundQuery(row.refund, merchantNo: merchantNo)
        else { return }
        // A command killed from here on leaves the refund due.
        try CommandFailure.mapping { () throws(StoreError) in
            try store.write { tx throws(StoreError) in try tx.deleteHints(refundID: id) }
        }
        let sentAt = clock.now()
        let claim = QueryClaim(refund: row.refund, lease: row.lease, query: query)
        state.sending(claim, at: sentAt)
        let attempt = await gateway.client.query(query, at: sentAt)
        let result = QueryResult(claim: claim, sentAt: sentAt, attempt: attempt)
        let now = clock.now()
        let request = state.request([result], [], settings, at: now)
        let rejections = try CommandFailure.mapping { () throws(StoreError) in
            try store.cycle(request) { input in
                let writes = state.decide(request, input, [result], [], settings, at: now).writes
                // Without a daemon nothing probes, so no breaker may stay open.
                return writes.filter { if case .breaker = $0.action { false } else { true } }
            }
        }
        if let rejection = rejections.first { throw CommandFailure(.failed, [rejection.reason]) }
    }
}
