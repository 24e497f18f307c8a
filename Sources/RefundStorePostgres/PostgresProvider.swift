package import RefundCore
package import RefundStore

/// A queue in a PostgreSQL database.
package struct PostgresProvider: StoreProvider {
    let settings: PostgresSettings
    // What this process says about itself, if it serves the queue.
    private let serving = ServingNote()

    /// The queue's location, without secrets.
    package var location: String { settings.location }

    package var schema: String? { settings.schema }

    /// Creates a provider.
    ///
    /// - Parameter settings: Where the queue is.
    package init(_ settings: PostgresSettings) {
        self.settings = settings
    }

    package func open(
        _ access: StoreAccess,
        beforeCommit: (@Sendable () -> Void)?
    ) throws(StoreError) -> any QueueStore {
        try PostgresStore(settings, serving, beforeCommit: beforeCommit)
    }

    package func initialize(at now: Timestamp, acceptingRestoredFor actor: String?) throws(StoreError) -> Int64? {
        let store = try PostgresStore(settings)
        defer { store.close() }
        return try store.migrate(at: now, isImport: false, acceptingRestoredFor: actor)
    }

    package var daemon: DaemonPresence {
        do throws(StoreError) {
            let found = try fleet()
            if let oldest = found.first { return .running(oldest) }
            guard case .heldByDaemon = try DaemonLock.attempt(settings, for: .command(serving)) else {
                return .absent
            }
            return .running(nil)
        } catch {
            return .unknown(error.description)
        }
    }

    package var daemons: [ServingDaemon] { (try? fleet()) ?? [] }

    private func fleet() throws(StoreError) -> [ServingDaemon] {
        do {
            return try Fleet.daemons(try Session(settings).connect(), settings)
        } catch {
            throw StoreError(error, location)
        }
    }

    package var distrust: String? { nil }

    package func lock() throws(StoreError) -> LockAttempt {
        try DaemonLock.attempt(settings, for: .daemon(serving))
    }

    package var alreadyServed: StoreError { .alreadyServed(location) }

    /// The server's files belong to the server.
    package var owner: ServiceUser? { nil }

    package func findings(for user: ServiceUser) -> [Finding] {
        let findings = DatabaseCheck(settings).findings()
        guard let mode = settings.unverifiedMode else { return findings }
        let text = "with sslmode=\(mode), anybody in between can pose as \(settings.location)"
        return findings + [Finding(.warning, "database", "\(text); leave sslmode out of [database] url")]
    }

    /// Only the server sees its disk.
    package func spaceFindings() -> [Finding] { [] }

    package func wakeFinding() -> Finding { WakeCheck.finding(settings) }

    package func advice() -> [Finding] {
        do throws(StoreError) {
            let store = try PostgresStore(settings)
            defer { store.close() }
            return try ServerAdvice(store: store).findings()
        } catch {
            // The other checks have reported what keeps it from being asked.
            return []
        }
    }
}
