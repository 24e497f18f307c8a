import Foundation
import RefundCore
import RefundStore
import RefundStoreSQL

/// Checks that a daemon could serve a queue on a server; never creates or changes anything.
struct DatabaseCheck {
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
        let text =
            "this machine's clock is \(difference) the database server's; correct it, since every daemon relies on its own clock"
        return [Finding(.problem, "clock", text, run: "timedatectl status")]
    }
}

extension PostgresStore {
    /// The server's time.
    func serverTime() throws(StoreError) -> Timestamp {
        try transaction(.read) { tx in
            let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
            return Timestamp(milliseconds: try tx.number(sql) ?? 0)
        }
    }
}
