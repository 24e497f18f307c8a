import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Testing

@testable import RefundStoreSQLite

/// A trigger of the application's that fails holds up nothing but the rows it fails for, and is named.
struct ApplicationTriggerTests {
    private let database: SQLiteFixture

    init() throws {
        database = try SQLiteFixture()
        for number in 1...3 { try database.enqueue("R-\(number)") }
    }

    private func claim() throws -> [Rejection] {
        try database.daemon.write(
            .claimRefunds([1, 2, 3].map { RefundClaim(id: $0, lease: 1) }, until: later(75)),
            .breaker(.gateway, name: "default", OpenBreaker(since: now, reason: "a test"))
        )
    }

    @Test func triggerThatRejectsOneRowIsNamedAndTheOthersAreClaimed() throws {
        try database.execute(
            """
            CREATE TABLE audit (id INTEGER);
            CREATE TRIGGER harmless AFTER UPDATE ON refund_queue BEGIN INSERT INTO audit VALUES (NEW.id); END;
            CREATE TRIGGER freeze BEFORE UPDATE ON refund_queue WHEN NEW.id = 2
            BEGIN SELECT RAISE(ABORT, 'frozen by the shop'); END
            """
        )
        let reason = "frozen by the shop (the application's trigger freeze)"
        #expect(try claim() == [Rejection(index: 0, claim: 1, reason: reason)])
        #expect(try database.column("SELECT id FROM refund_queue WHERE leased_until IS NOT NULL") == ["1", "3"])
    }

    @Test(arguments: [
        ("INSERT INTO audit VALUES (NEW.id)", "no such table: main.audit"),
        ("UPDATE refund_hints SET tidy = 1", "no such column: tidy"),
        ("SELECT tidy(NEW.id)", "no such function: tidy"),
        ("INSERT INTO refund_replaced VALUES (1, 2)", "table refund_replaced has 1 columns but 2 values were supplied"),
    ])
    func brokenTriggerIsNamedAndEverythingElseIsWritten(body: String, message: String) throws {
        try database.execute("CREATE TRIGGER broken AFTER UPDATE ON refund_queue BEGIN \(body); END")
        let rejections = try claim()
        #expect(rejections.map(\.claim) == [0, 1, 2])
        #expect(rejections.allSatisfy { $0.reason == "\(message) (the application's trigger broken)" }, "\(rejections)")
        #expect(try database.number("SELECT count(*) FROM refund_breakers") == 1)
    }

    @Test func triggerThatFailsForACommandIsNamed() throws {
        try database.execute("CREATE TRIGGER broken AFTER UPDATE ON refund_queue BEGIN SELECT tidy(NEW.id); END")
        let error = try #require(throws: StoreError.self) {
            try database.store.write { tx throws(StoreError) in try tx.requestQuery(1, by: "ann", at: now) }
        }
        #expect(error.kind == .application)
        #expect(error.description.contains("trigger broken"))
    }

    @Test func guardOfRefunddBlamesNobodyElse() throws {
        try database.execute("CREATE TRIGGER harmless AFTER UPDATE ON refund_queue BEGIN SELECT 1; END")
        let error = try #require(throws: StoreError.self) {
            try database.sqlite.execute("UPDATE refund_queue SET state = 'settled'")
        }
        #expect(error.kind == .rejected)
        #expect(!error.reason.contains("harmless"))
    }
}
