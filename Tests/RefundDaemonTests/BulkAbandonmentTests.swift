import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import Testing

/// Refunds that were enqueued by mistake, all at once.
struct BulkAbandonmentTests {
    private let queue: QueueFixture

    init() throws {
        queue = try QueueFixture()
        for number in 0..<450 { try queue.enqueue("R-\(number)") }
    }

    private func count(_ state: RefundState) throws -> Int {
        try queue.store.read { tx throws(StoreError) in try tx.count(RefundFilter(state: state), limit: .max) }
    }

    @Test func everyMatchIsAbandonedInSmallTransactions() async throws {
        var reports: [Int] = []
        let done = try await BulkAbandonment(RefundFilter(), queue.store)
            .run(reason: "by mistake", by: "ada", queue.configuration()) { reports.append($0) }
        #expect(done == 450)
        #expect(reports.prefix(3) == [200, 400, 450])
        #expect(try count(.abandoned) == 450)
        let row = try queue.store.read { tx throws(StoreError) in try tx.ledger(refundID: 1) }.first
        #expect(row?.actor == "ada" && row?.reason == "by mistake")
    }

    @Test func previewCountsAndChangesNothing() throws {
        let (total, refunds) = try BulkAbandonment(RefundFilter(state: .pending), queue.store).preview(limit: 3)
        #expect(total == 450)
        #expect(refunds.map(\.merchantOrderNo) == ["R-449", "R-448", "R-447"])
        #expect(try count(.pending) == 450)
    }

    @Test func refundsThatDoNotMatchStay() async throws {
        let future = RefundFilter(since: queue.now.advanced(by: .seconds(86_400)))
        for filter in [
            future, RefundFilter(state: .processing), RefundFilter(gateway: "other"),
            RefundFilter(needsAttention: true),
        ] {
            let done = try await BulkAbandonment(filter, queue.store)
                .run(reason: "x", by: "ada", queue.configuration()) { _ in }
            #expect(done == 0)
        }
        #expect(try count(.pending) == 450)
    }
}
