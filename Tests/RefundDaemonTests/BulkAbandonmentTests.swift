import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import RefundTestSupport
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
        try queue.enqueue("KEEP-1")
        let preview = try BulkAbandonment(RefundFilter(state: .pending), queue.store).preview(queue.configuration())
        #expect(preview.count == 451)
        #expect(preview.groups.map(\.prefix) == ["R-", "KEEP-1"])
        #expect(preview.groups.map(\.count) == [450, 1])
        #expect(preview.webhookCount == 0, "the configuration has no URL")
        #expect(try count(.pending) == 451)
    }

    @Test func previewCountsTheWebhooksOfRefundsThatNameAURL() throws {
        try queue.sql(
            "INSERT INTO refund_queue (merchant_order_no, callback_url) VALUES ('C-1', 'https://shop.example/')"
        )
        let preview = try BulkAbandonment(RefundFilter(), queue.store).preview(queue.configuration())
        #expect(preview.webhookCount == 1)
    }

    @Test func refundsWithAVerdictAreCountedSinceTheyKeepIt() throws {
        try queue.enqueue("KEEP-1")
        for report in [GatewayReport(.settled), GatewayReport(.settled), GatewayReport(.failed)] {
            try queue.change(try queue.enqueue("R-\(UInt64.random(in: 1_000...UInt64.max))")) { machine in
                let evidence = Evidence(code: "0", psn: "P-1", response: Array("{}".utf8))
                let outcome = QueryOutcome.report(report, evidence)
                return machine.queryAnswered(outcome, sentAt: queue.now, at: queue.now, draw: 0.5)
            }
        }
        let request = BulkAbandonment(RefundFilter(orderPrefix: "R-"), queue.store)
        #expect(try request.verdicts().map(\.state) == [.settled, .failed])
        #expect(try request.verdicts().map(\.count) == [2, 1])
        #expect(try BulkAbandonment(RefundFilter(orderPrefix: "KEEP-"), queue.store).verdicts().isEmpty)
        #expect(try BulkAbandonment(RefundFilter(state: .pending), queue.store).verdicts().isEmpty)
    }

    @Test func onlyOrderNumbersThatBeginWithThePrefixAreAbandoned() async throws {
        for order in ["R*1", "RX1", "r*1", "X-R*1"] { try queue.enqueue(order) }
        let done = try await BulkAbandonment(RefundFilter(orderPrefix: "R*"), queue.store)
            .run(reason: "x", by: "ada", queue.configuration()) { _ in }
        #expect(done == 1)
        #expect(try count(.pending) == 453)
    }

    @Test func onlyRefundsEnqueuedBeforeTheEndAreAbandoned() async throws {
        for (until, expected) in [
            (queue.now.advanced(by: .seconds(-60)), 0), (queue.now.advanced(by: .seconds(3_600)), 450),
        ] {
            let done = try await BulkAbandonment(RefundFilter(until: until), queue.store)
                .run(reason: "x", by: "ada", queue.configuration()) { _ in }
            #expect(done == expected)
        }
    }

    @Test func refundThatLeavesTheStateMeanwhileStays() async throws {
        let last = try queue.enqueue("R-450")
        let done = try await BulkAbandonment(RefundFilter(state: .pending), queue.store)
            .run(reason: "x", by: "ada", queue.configuration()) { done in
                guard done == 200 else { return }
                _ = try? queue.change(last) { machine in
                    let evidence = Evidence(code: "0", psn: "P-1", response: Array("{}".utf8))
                    let outcome = QueryOutcome.report(GatewayReport(.processing), evidence)
                    return machine.queryAnswered(outcome, sentAt: queue.now, at: queue.now, draw: 0.5)
                }
            }
        #expect(done == 450)
        #expect(try count(.processing) == 1)
    }

    @Test func refundThatNeedsNoAttentionAnyMoreStays() async throws {
        for id in 1...450 as ClosedRange<Int64> {
            try queue.change(id) { $0.checked(trouble: "no such gateway", at: queue.now) }
        }
        let done = try await BulkAbandonment(RefundFilter(needsAttention: true), queue.store)
            .run(reason: "x", by: "ada", queue.configuration()) { done in
                guard done == 200 else { return }
                _ = try? queue.change(450) { $0.checked(trouble: nil, at: queue.now) }
            }
        #expect(done == 449)
        #expect(try count(.pending) == 1)
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
