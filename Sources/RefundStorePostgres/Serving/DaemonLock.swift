import RefundCore
import RefundPostgres
import RefundStore

/// The right to serve a queue: an advisory lock, which the server releases with the connection that holds it.
///
/// Daemons share it. A command takes it for itself alone, so a daemon that starts waits for it.
///
/// Behind a pooler that shares sessions, only an open transaction keeps a lock. A command holds one until it ends, and a
/// daemon until it is registered, by which commands know of it.
final class DaemonLock: ServiceLock, @unchecked Sendable {
    /// Who wants the lock.
    enum Holder {
        /// A daemon, with what it says about itself.
        case daemon(ServingNote)
        /// A command that briefly does what only a daemon may.
        case command(ServingNote)
    }

    private static let timeout: Duration = .seconds(10)

    // It holds the lock.
    private let connection: PostgresConnection
    private let note: ServingNote

    private init(_ connection: PostgresConnection, _ note: ServingNote) {
        (self.connection, self.note) = (connection, note)
    }

    /// Tries to take the lock, without waiting.
    ///
    /// - Throws: `StoreError` if the server cannot be reached.
    static func attempt(_ settings: PostgresSettings, for holder: Holder) throws(StoreError) -> LockAttempt {
        do {
            let connection = try Session(settings).connect()
            let name = connection.isPooled ? "pg_try_advisory_xact_lock" : "pg_try_advisory_lock"
            func attempt(_ function: String) throws(PostgresError) -> Bool {
                let flight = Flight()
                var succeeded = false
                if connection.isPooled, !connection.isInTransaction {
                    flight.add("BEGIN")
                    flight.add("SET LOCAL idle_in_transaction_session_timeout = 0")
                }
                flight.add("SELECT \(function)(hashtextextended('refundd serves ' || $1, 0))").bind(settings.schema)
                    .read { row in succeeded = row.integer() == 1 }
                try connection.run(flight, until: .now.advanced(by: timeout))
                return succeeded
            }
            switch holder {
            case .daemon(let note):
                // Only a command keeps daemons out.
                guard try attempt("\(name)_shared") else { return .heldByCommand }
                return .taken(DaemonLock(connection, note))
            case .command(let note):
                guard try attempt(name) else {
                    return try attempt("\(name)_shared") ? .heldByDaemon : .heldByCommand
                }
                // Daemons may have lost the lock with a connection, and serve the queue all the same.
                guard try Fleet.daemons(connection, settings).isEmpty else { return .heldByDaemon }
                return .taken(DaemonLock(connection, note))
            }
        } catch {
            throw StoreError(error, settings.location)
        }
    }

    /// A server that finds damage reports it whenever the damaged part is read.
    var isSuspect: Bool { false }

    func noteServed() {}

    func noteServing(_ daemon: ServingDaemon) {
        note.value = daemon
        guard !daemon.isStarting, !connection.isBroken, connection.isInTransaction else { return }
        try? connection.execute("ROLLBACK", until: .now.advanced(by: Self.timeout))
    }

    func markSuspect(because reason: String) {}

    @discardableResult
    func regainTrust(in store: any QueueStore) throws(StoreError) -> [String] { [] }
}
