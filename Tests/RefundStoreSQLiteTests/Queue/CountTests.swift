import RefundCore
import RefundStoreSQLite
import Testing

struct CountTests {
    let database: TestDatabase

    init() throws {
        database = try TestDatabase()
    }

    @Test func numbersOfEachStateFollowEveryChange() throws {
        let ids = try (1...4).map { number in try database.enqueue("R-\(number)") }
        try database.happen(to: ids[0]) { $0.answered(.processing) }
        try database.happen(to: ids[1]) { $0.answered(.settled) }
        try database.happen(to: ids[2]) { $0.answered(.processing) + $0.answered(.failed) }
        let status = try database.store.read { tx in try tx.status(at: now) }
        #expect(status.states == [.pending: 1, .processing: 1, .settled: 1, .failed: 1, .abandoned: 0])
        let webhooks = try Dictionary(
            uniqueKeysWithValues: database.rows("SELECT state, count(*) FROM refund_webhooks GROUP BY state").map {
                ($0[0], $0[1])
            }
        )
        for (state, number) in status.webhooks { #expect(webhooks[state] ?? "0" == "\(number)", "\(state)") }
        #expect(try database.store.read { tx in try tx.strays() } == [])
    }

    @Test func anInsertThatIsRefusedIsNotCounted() throws {
        try database.enqueue("R-1")
        try database.execute("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1') ON CONFLICT DO NOTHING")
        try database.execute("INSERT OR IGNORE INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        #expect(throws: (any Error).self) {
            try database.execute("INSERT OR REPLACE INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        }
        #expect(try database.store.read { tx in try tx.status(at: now) }.states[.pending] == 1)
    }

    @Test func aNumberThatSomebodyChangedIsFound() throws {
        try database.enqueue("R-1")
        try database.execute("UPDATE refund_counts SET number = 7 WHERE state = 'settled'")
        let strays = try database.store.read { tx in try tx.strays() }
        #expect(strays == ["1 number(s) of refund_counts are not what there is"])
    }
}
