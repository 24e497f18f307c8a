import Foundation
import RefundCore
import RefundScheduler
import RefundStoreSQLite
import Synchronization
import Testing

@testable import RefundDaemon

@Suite(.timeLimit(.minutes(1)))
struct PipelineTests {
    private let harness: EngineHarness
    private let sent: AsyncStream<Delivery>
    private let pipeline: Pipeline
    /// Queries that wait for the test to answer them.
    private let waiting: Waiting

    private final class Waiting: Sendable {
        let completions = Mutex<[@Sendable (QueryOutcome) -> Void]>([])
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()

        func next() async -> (@Sendable (QueryOutcome) -> Void)? {
            for await _ in arrivals { return completions.withLock { $0.removeFirst() } }
            return nil
        }
    }

    init() throws {
        harness = try EngineHarness()
        let waiting = Waiting()
        let (sent, deliver) = AsyncStream<Delivery>.makeStream()
        var settings = EngineHarness.settings
        settings.gateways["default"]?.send = { _, _, completion in
            waiting.completions.withLock { $0.append(completion) }
            waiting.arrived.yield()
        }
        settings.webhooks.send = { delivery, _, completion in
            deliver.yield(delivery)
            completion(DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .zero))
        }
        self.sent = sent
        self.waiting = waiting
        pipeline = Pipeline(
            store: harness.store,
            settings: settings,
            clock: SystemClock(),
            report: { _ in },
            fault: { _ in }
        )
    }

    @Test func insertByAnotherProgramIsQueriedAndItsVerdictIsSent() async throws {
        try await pipeline.start()
        try harness.sqlite("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        let answer = try #require(await waiting.next())
        answer(.report(.settled))
        var deliveries = sent.makeAsyncIterator()
        let delivery = try #require(await deliveries.next())
        #expect(delivery.refundID == 1)
        await pipeline.drain()
        #expect(try harness.webhooks(1).map { $0.text("state") } == ["delivered"])
    }

    @Test func drainWaitsForTheQueryInFlightAndWritesItsAnswer() async throws {
        try harness.enqueue("R-1")
        try await pipeline.start()
        let answer = try #require(await waiting.next())
        let pipeline = pipeline
        async let drained: Void = pipeline.drain()
        answer(.report(.settled))
        await drained
        #expect(try harness.refund(1).state == .settled)
    }

    @Test func theDatabaseIsLeftToOthersForTwiceAsLongAsACycleTookItsLock() {
        #expect(Pipeline.rest(after: .microseconds(900)) == .zero)
        #expect(Pipeline.rest(after: .milliseconds(4)) == .milliseconds(8))
        #expect(Pipeline.rest(after: .seconds(3)) == .milliseconds(20))
    }
}
