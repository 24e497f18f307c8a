package import RefundCore
import RefundScheduler
package import RefundStoreSQLite

/// Which webhooks a person wants sent again.
package enum Redelivery: Sendable {
    /// The one of this id, whatever became of it.
    case webhook(String)
    /// Every dead one.
    case dead
    /// Every one that is not pending and was made at this time or later.
    case since(Timestamp)

    // Bounds how long one transaction keeps the daemon and applications from writing.
    private static let batchSize = 500

    /// Makes the webhooks due; the daemon sends them.
    ///
    /// - Parameters:
    ///   - store: The database, open for writing.
    ///   - actor: The person.
    /// - Returns: How many there are.
    /// - Throws: `CommandFailure` when the one that is named is not there or is being sent.
    package func run(_ store: RefundStore, by actor: String) async throws(CommandFailure) -> Int {
        let result: Result<Int, CommandFailure>
        do throws(StoreError) {
            switch self {
            case .webhook(let id):
                result = try redeliver(id, store, by: actor)
            case .dead:
                let ids = try store.read { tx in try tx.webhookIDs(in: [.dead]) }
                result = .success(try await redeliver(ids, store, by: actor))
            case .since(let time):
                let ids = try store.read { tx in try tx.webhookIDs(in: [.delivered, .dead, .superseded], since: time) }
                result = .success(try await redeliver(ids, store, by: actor))
            }
        } catch .refused(let reason) {
            throw CommandFailure(.failed, [reason])
        } catch {
            throw CommandFailure(error)
        }
        return try result.get()
    }

    private func redeliver(
        _ id: String,
        _ store: RefundStore,
        by actor: String
    ) throws(StoreError) -> Result<Int, CommandFailure> {
        let redeliver = { (tx: StoreTransaction) in try tx.redeliver(id, by: actor, at: SystemClock().now()) }
        var outcome = try store.transaction(redeliver)
        if outcome == .inFlight {
            try endLeasesUnlessServed(store)
            outcome = try store.transaction(redeliver)
        }
        switch outcome {
        case .due:
            return .success(1)
        case .inFlight:
            return .failure(
                CommandFailure(.failed, ["webhook \(id) is being sent at this moment; wait for the end of that"])
            )
        case .unknown:
            return .failure(CommandFailure(.noSuchRefund, ["there is no webhook \(id); refundd webhooks lists them"]))
        }
    }

    // A daemon that was killed leaves its claims behind.
    private func endLeasesUnlessServed(_ store: RefundStore) throws(StoreError) {
        do throws(StoreError) {
            let lock = try DaemonLock(databasePath: store.path, for: .command)
            try store.transaction { tx in try tx.endLeases() }
            withExtendedLifetime(lock) {}
        } catch .alreadyServed {
            return
        }
    }

    // The ids are read before anything is written, so that none that fails again at once is found a second time.
    private func redeliver(_ ids: [String], _ store: RefundStore, by actor: String) async throws(StoreError) -> Int {
        var count = 0
        var rest = ids[...]
        while !rest.isEmpty {
            let begin = ContinuousClock.now
            let batch = rest.prefix(Self.batchSize)
            rest = rest.dropFirst(Self.batchSize)
            let now = SystemClock().now()
            count += try store.transaction { tx in
                try batch.count { try tx.redeliver($0, by: actor, at: now) == .due }
            }
            // Others get as long to write as this took.
            if !rest.isEmpty { try? await Task.sleep(for: ContinuousClock.now - begin) }
        }
        return count
    }
}
