import RefundCore
import RefundPostgres
import RefundStore

/// Checks that inserts can be noticed at once.
enum WakeCheck {
    private static let timeout: Duration = .seconds(10)

    /// Listens for a moment, as the daemon does.
    static func finding(_ settings: PostgresSettings) -> Finding {
        do {
            let connection = try Session(settings).connect()
            var channels = 0
            if !connection.isPooled {
                let deadline = ContinuousClock.now.advanced(by: timeout)
                try connection.execute("LISTEN refund_queue", until: deadline)
                try connection.execute("SELECT count(*) FROM pg_listening_channels()", until: deadline) { row in
                    channels = row.count()
                }
            }
            if channels > 0 { return Finding(.fine, "wake-up", "inserts are noticed at once") }
            let effect = "the queue is polled, and a killed daemon is noticed after \(Registration.patience.formatted)"
            return Finding(.warning, "wake-up", "\(Pooler.reason): \(effect); \(Pooler.remedy)")
        } catch {
            return Finding(.problem, "wake-up", "inserts cannot be noticed: \(StoreError(error, settings.location))")
        }
    }
}
