import Foundation
import RefundCore
import RefundPostgres
import RefundStore

/// Checks that a daemon could serve a queue on a server; never creates or changes anything.
struct ServerCheck {
    private static let timeout: Duration = .seconds(10)

    private let settings: PostgresSettings

    init(_ settings: PostgresSettings) {
        self.settings = settings
    }

    /// The findings; empty if everything is as it should be.
    func findings() -> [Finding] {
        do throws(StoreError) {
            let store = try PostgresStore(settings)
            defer { store.close() }
            let findings = Self.clockFindings(server: try store.serverTime(), here: Self.clock())
            try store.checkSchema()
            return findings
        } catch {
            // A daemon that starts creates or migrates the queue.
            let isMade = error.kind == .notInitialised || error.kind == .olderSchema
            return isMade ? [] : [Finding(.problem, "database", error.description)]
        }
    }

    // A claim lasts at least a minute longer than what it covers.
    private static let tolerance: Duration = .seconds(5)

    private static func clock() -> Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    /// Whether this machine's clock is the server's, as those of all daemons must be: due times and claims go by it.
    static func clockFindings(server: Timestamp, here: Timestamp) -> [Finding] {
        let lead = here.duration(since: server)
        guard lead > tolerance || lead < .zero - tolerance else { return [] }
        let difference = lead > .zero ? "\(lead.formatted) ahead of" : "\((.zero - lead).formatted) behind"
        let text = "this machine's clock is \(difference) the database server's; daemons go by their machines' clocks"
        return [Finding(.problem, "clock", text, run: "timedatectl status")]
    }

    /// Whether commits of others are noticed at once.
    func wakeFinding() -> Finding {
        do {
            let connection = try Session(settings).connect()
            var channels = 0
            if !connection.isPooled {
                let deadline = ContinuousClock.now.advanced(by: Self.timeout)
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
