import RefundCore
import Testing

@testable import RefundStoreSQLite

struct BreakerTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }

    init() throws {
        database = try TestDatabase()
    }

    @Test func openBreakersAreThereForOtherProcessesUntilTheyClose() throws {
        let open = OpenBreaker(since: now, reason: "HTTP 503")
        try store.transaction { tx in
            try tx.setBreaker(.endpoint, "https://a.example:443", open)
            try tx.setBreaker(.gateway, "default", OpenBreaker(since: later(1), reason: "no answer"))
            try tx.setBreaker(.endpoint, "https://b.example:443", open)
            try tx.setBreaker(.endpoint, "https://b.example:443", nil)
        }
        #expect(try store.read { try $0.openBreakers(.endpoint) } == ["https://a.example:443": open])
        #expect(
            try database.rows("SELECT kind, name, since, reason FROM refund_breakers ORDER BY kind") == [
                ["endpoint", "https://a.example:443", "\(now.milliseconds)", "HTTP 503"],
                ["gateway", "default", "\(later(1).milliseconds)", "no answer"],
            ]
        )
    }

    @Test func breakersOfADaemonThatIsGoneAreRemoved() throws {
        try store.transaction { tx in
            try tx.setBreaker(.endpoint, "a", OpenBreaker(since: now, reason: "x"))
            try tx.setBreaker(.gateway, "default", OpenBreaker(since: now, reason: "y"))
            try tx.removeBreakers()
        }
        #expect(try database.rows("SELECT * FROM refund_breakers").isEmpty)
    }
}
