import RefundPostgres
import RefundStore

/// The right to serve a queue: an advisory lock, which the server releases with the connection that holds it.
final class PostgresLock: ServiceLock, @unchecked Sendable {
    /// Who wants the lock.
    enum Holder {
        /// The daemon, which waits while a command has the lock.
        case daemon
        /// A command that briefly does what only the daemon may.
        case command
    }

    // Never used again; it holds the lock.
    private let connection: PostgresConnection

    private init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    /// Tries to take the lock, without waiting.
    ///
    /// - Throws: `StoreError` if the server cannot be reached.
    static func attempt(_ settings: PostgresSettings, for holder: Holder) throws(StoreError) -> LockAttempt {
        do {
            let connection = try Session(settings).connect()
            func call(_ function: String) throws(PostgresError) -> Bool {
                let flight = Flight()
                var succeeded = false
                flight.add("SELECT \(function)(hashtextextended('refundd serves ' || $1, 0))").bind(settings.schema)
                    .read { row in succeeded = row.integer() == 1 }
                try connection.run(flight, until: .now.advanced(by: .seconds(10)))
                return succeeded
            }
            guard try call("pg_try_advisory_lock") else {
                // Commands hold a shared lock, a daemon an exclusive one.
                return try call("pg_try_advisory_lock_shared") ? .heldByCommand : .heldByDaemon
            }
            if holder == .command {
                _ = try call("pg_try_advisory_lock_shared")
                _ = try call("pg_advisory_unlock")
            }
            return .taken(PostgresLock(connection))
        } catch {
            throw StoreError(error, settings.location)
        }
    }

    /// A server that finds damage reports it whenever the damaged part is read.
    var isSuspect: Bool { false }

    func noteServed() {}

    func noteServing(_ daemon: ServingDaemon) {}

    func markSuspect(because reason: String) {}

    @discardableResult
    func regainTrust(in store: any QueueStore) throws(StoreError) -> [String] { [] }
}
