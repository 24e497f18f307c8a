package import RefundConfiguration
package import RefundCore
import RefundPayCloud
import RefundScheduler
package import RefundStoreSQLite

/// Asks the gateway about one refund now: through the running daemon, else itself under the daemon's lock.
///
/// Either way the refund is made due first and the answer is written by the engine, with backoff, ledger and webhook;
/// only the daemon sends that webhook.
package struct ImmediateQuery: Sendable {
    /// How much longer than one query may take the daemon is waited for.
    private static let patience: Duration = .seconds(15)
    private static let lookInterval: Duration = .milliseconds(50)
    // Seldom, since it is the daemon that answers nearly always.
    private static let looksPerAttempt = 10

    private let configuration: Configuration
    private let store: RefundStore
    private let clock = SystemClock()

    /// Creates a query.
    ///
    /// - Parameters:
    ///   - configuration: Names the gateways and their keys.
    ///   - store: The database, open for writing.
    package init(_ configuration: Configuration, _ store: RefundStore) {
        self.configuration = configuration
        self.store = store
    }

    /// How long a command may ask at most, and so have the daemon's lock.
    ///
    /// - Parameter configuration: Names the gateways.
    /// - Returns: The time, with some to spare.
    static func longest(_ configuration: Configuration) -> Duration {
        (configuration.gateways.values.map(\.timeout).max() ?? .zero) + patience
    }

    /// Makes the refund due, in the transaction that it is given.
    ///
    /// - Parameters:
    ///   - id: The refund.
    ///   - actor: The person who asks.
    ///   - tx: The transaction.
    /// - Returns: The refund as it is before the answer, or why it cannot be asked; then nothing is written.
    /// - Throws: What SQLite says when it refuses.
    package func request(_ id: Int64, by actor: String, _ tx: StoreTransaction) throws -> Result<Refund, CommandFailure>
    {
        guard let refund = try tx.refund(id: id) else { return .failure(.noRefund(id)) }
        if refund.state.isFinal { return .failure(try .hasEnded(refund, tx)) }
        guard let gateway = configuration.gateways[refund.gateway] else {
            let remedy = "add [gateways.\(refund.gateway)] to it"
            let problem = "\(configuration.file): the configuration has no gateway \"\(refund.gateway)\"; \(remedy)"
            return .failure(CommandFailure(.configuration, [problem]))
        }
        guard refund.merchantNo ?? gateway.merchantNo != nil else {
            let problem = "the row has no merchant_no and gateway \"\(refund.gateway)\" has none; set its merchant_no"
            return .failure(CommandFailure(.configuration, ["\(configuration.file): \(problem)"]))
        }
        try tx.requestQuery(id, by: actor, at: clock.now())
        return .success(refund)
    }

    /// Waits for the answer, or asks for it.
    ///
    /// - Parameter refund: The refund as it was before.
    /// - Returns: The refund after an answer that verifies, whatever it says.
    /// - Throws: `CommandFailure` when no such answer comes.
    package func answer(to refund: Refund) async throws(CommandFailure) -> Refund {
        let limit = (configuration.gateways[refund.gateway]?.timeout ?? .zero) + Self.patience
        let deadline = ContinuousClock.now + limit
        var looks = 0
        while ContinuousClock.now < deadline {
            if looks % Self.looksPerAttempt == 0, let end = try await askUnlessServed(refund) { return try end.get() }
            if let end = try end(of: refund) { return try end.get() }
            try? await Task.sleep(for: Self.lookInterval)
            looks += 1
        }
        throw unavailable(refund, "there was no answer within \(limit.formatted)")
    }

    // What is known of the answer, or nil while there is nothing.
    private func end(of asked: Refund) throws(CommandFailure) -> Result<Refund, CommandFailure>? {
        do throws(StoreError) {
            return try store.read { tx in
                guard let refund = try tx.refund(id: asked.id) else { return nil }
                if refund.lastQueryAt != asked.lastQueryAt || refund.attempts != asked.attempts {
                    guard refund.isLastQueryVerified else {
                        return .failure(unavailable(refund, refund.lastError ?? "the gateway did not answer"))
                    }
                    return .success(refund)
                }
                if refund.state.isFinal { return .failure(try .hasEnded(refund, tx)) }
                // While it is in trouble or does not answer, the daemon asks it with some refund now and then.
                if let trouble = try tx.troubles()[refund.gateway] {
                    let problem = "gateway \(refund.gateway) has been in trouble since \(trouble.since.iso8601)"
                    return .failure(unavailable(refund, "\(problem): \(trouble.code): \(trouble.message)"))
                }
                if let breaker = try tx.openBreakers(.gateway)[refund.gateway] {
                    let problem = "gateway \(refund.gateway) has not answered since \(breaker.since.iso8601)"
                    return .failure(unavailable(refund, "\(problem): \(breaker.reason)"))
                }
                return nil
            }
        } catch {
            throw CommandFailure(error)
        }
    }

    private func unavailable(_ refund: Refund, _ problem: String) -> CommandFailure {
        CommandFailure(.unavailable, ["\(problem); \(refund.title) stays \(refund.state.rawValue) and is asked again"])
    }

    /// Asks the gateway, unless somebody else has the lock, and writes what comes of it.
    ///
    /// - Returns: What came of it, or nil where it was not asked.
    private func askUnlessServed(
        _ refund: Refund
    ) async throws(CommandFailure) -> Result<Refund, CommandFailure>? {
        let lock: DaemonLock
        do throws(StoreError) {
            lock = try DaemonLock(databasePath: store.path, for: .command)
            try lock.regainTrust(in: store)
            lock.noteServed()
        } catch .alreadyServed {
            return nil
        } catch {
            throw CommandFailure(error)
        }
        defer { withExtendedLifetime(lock) {} }
        // No daemon is there to probe what a breaker of this answer's stops; one that starts begins without any.
        defer { try? store.transaction { tx in try tx.removeBreakers() } }
        let connections = try Connections(
            configuration,
            try Setup.credentials(configuration),
            signing: SigningPool(threads: 1)
        )
        defer { connections.shutDown() }
        do throws(StoreError) {
            try await ask(refund.id, connections.settings)
        } catch .refused(let reason) {
            throw CommandFailure(.failed, [reason])
        } catch {
            throw CommandFailure(error)
        }
        return try end(of: refund) ?? .failure(unavailable(refund, "the gateway's answer decides nothing"))
    }

    private func ask(_ id: Int64, _ settings: EngineSettings) async throws(StoreError) {
        let engine = RefundEngine(store: store, settings: settings, random: SystemRandomNumberGenerator())
        // It claims nothing, neither other refunds nor webhooks.
        engine.isDraining = true
        try engine.start(at: clock.now())
        guard let refund = try store.read({ tx in try tx.refund(id: id) }), !refund.state.isFinal,
            let gateway = settings.gateways[refund.gateway],
            let merchantNo = refund.merchantNo ?? gateway.merchantNo,
            let query = RefundQuery(refund, merchantNo: merchantNo)
        else { return }
        let sentAt = clock.now()
        let outcome = await gateway.ask(query, at: sentAt)
        let answer = QueryAnswer(refund: refund, sentAt: sentAt, outcome: outcome)
        let cycle = try engine.cycle(at: clock.now(), Arrivals(answers: [answer]))
        for case .refused(_, let reason) in cycle.notes { throw .refused(reason: reason) }
    }
}
