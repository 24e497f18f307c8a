import RefundCore
import RefundHTTP
import RefundScheduler
import RefundStoreConformance
import RefundStoreSQLiteSupport
import Synchronization
import Testing

/// The scheduler and the store serve a gateway that neither of them knows.
@Suite(.timeLimit(.minutes(1)))
struct ToySchedulingTests {
    private let toy = ToyGateway(url: "https://toy.example/refunds", secret: Array("secret".utf8))

    private func settings(_ receiver: Receiver) -> SchedulerSettings {
        var polling = PollingPolicy()
        polling.initialInterval = .milliseconds(1)
        let gateway = SchedulerSettings.Gateway(
            merchantNo: "M-1",
            client: ToyClient(gateway: toy, transport: ToyServer(gateway: toy))
        )
        let routing = WebhookRouting(
            defaultURL: "https://shop.example/hooks",
            events: [.settled, .failed],
            endpoint: { _ in "https://shop.example:443" }
        )
        let webhooks = SchedulerSettings.Webhooks(routing: routing, hasSecret: true, client: receiver)
        return SchedulerSettings(polling: polling, gateways: ["default": gateway], webhooks: webhooks)
    }

    @Test func insertedRefundSettlesAndItsWebhookIsSent() async throws {
        let fixture = try SQLiteFixture()
        let receiver = Receiver()
        let scheduler = Scheduler(
            store: fixture.store,
            settings: settings(receiver),
            clock: SystemClock(),
            report: { _ in },
            fault: { _ in }
        )
        try await scheduler.start()
        try fixture.enqueue("R-1")
        let delivery = try #require(await receiver.next())
        await scheduler.drain()
        #expect(delivery.refundID == 1 && String(decoding: delivery.body, as: UTF8.self).contains("refund.settled"))
        let rows = try fixture.rows("SELECT state, trans_amount, trans_currency FROM refund_queue")
        #expect(rows == [["settled", "12.50", "EUR"]])
    }
}

/// The toy gateway's server: a refund is sent at its first query and paid from the second on.
private final class ToyServer: HTTPTransport {
    private let gateway: ToyGateway
    private let queries = Atomic(0)

    init(gateway: ToyGateway) {
        self.gateway = gateway
    }

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        let lines = String(decoding: request.body, as: UTF8.self).split(separator: "\n").map(String.init)
        guard gateway.signed(lines.dropLast()) == request.body else {
            return completion(.success(HTTPResponse(status: 403, body: [])))
        }
        let isFirst = queries.add(1, ordering: .relaxed).oldValue == 0
        let answer = [lines[1], isFirst ? "status sent" : "status paid", "amount 12.50 EUR"]
        completion(.success(HTTPResponse(status: 200, body: gateway.signed(answer))))
    }
}

/// A receiver that accepts every webhook.
private final class Receiver: WebhookDelivering {
    private let stream = AsyncStream<Delivery>.makeStream()

    func deliver(
        _ delivery: Delivery,
        at now: Timestamp,
        isProbe: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {
        stream.continuation.yield(delivery)
        completion(.completed(DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .zero)))
    }

    func next() async -> Delivery? {
        for await delivery in stream.stream { return delivery }
        return nil
    }
}
