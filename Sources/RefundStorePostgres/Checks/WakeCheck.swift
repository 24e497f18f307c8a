import RefundCore
import RefundPostgres
import RefundStore

/// Checks that inserts can be noticed at once.
///
/// A pooler that gives a connection away after each transaction, as PgBouncer may, forgets who listens.
enum WakeCheck {
    private static let timeout: Duration = .seconds(10)

    /// Listens for a moment, as the daemon does.
    static func finding(_ settings: PostgresSettings) -> Finding {
        do {
            let connection = try Session(settings).connect()
            let deadline = ContinuousClock.now.advanced(by: timeout)
            try connection.execute("LISTEN refund_queue", until: deadline)
            var channels = 0
            try connection.execute("SELECT count(*) FROM pg_listening_channels()", until: deadline) { row in
                channels = row.count()
            }
            guard channels > 0 else {
                let text =
                    "a pooler in transaction mode, such as PgBouncer with pool_mode = transaction, forgets who listens,"
                    + " so the queue is polled; connect \(settings.location) to the server itself, or to a pool with"
                return Finding(.warning, "wake-up", "\(text) pool_mode = session")
            }
            return Finding(.fine, "wake-up", "inserts are noticed at once")
        } catch {
            return Finding(.problem, "wake-up", "inserts cannot be noticed: \(StoreError(error, settings.location))")
        }
    }
}
