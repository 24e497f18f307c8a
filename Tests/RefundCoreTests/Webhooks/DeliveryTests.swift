import RefundCore
import Testing

struct DeliveryTests {
    @Test(
        arguments: [
            (200, true), (201, true), (204, true), (299, true), (199, false), (300, false), (301, false), (304, false),
            (400, false), (410, false), (500, false), (0, false), (-200, false), (nil, false),
        ] as [(Int?, Bool)]
    )
    func onlyASuccessfulStatusIsADelivery(status: Int?, isDelivered: Bool) {
        var outcome = DeliveryOutcome(status: status, error: nil, retryAfter: nil, answer: [], duration: .zero)
        #expect(outcome.isDelivered == isDelivered)
        outcome.error = "the answer is too long"
        #expect(!outcome.isDelivered)
    }

    @Test(arguments: EventType.allCases)
    func onlyAskedForEventsBecomeWebhooks(type: EventType) {
        let routing = WebhookRouting(defaultURL: "https://d.example", events: [.settled, .processing]) { $0 }
        let isAsked = type == .settled || type == .processing
        #expect(routing.url(for: type, callbackURL: nil) == (isAsked ? "https://d.example" : nil))
        #expect(routing.url(for: type, callbackURL: "https://c.example") == (isAsked ? "https://c.example" : nil))
    }

    @Test func withoutAnAddressThereIsNoWebhook() {
        let routing = WebhookRouting(defaultURL: nil, events: Set(EventType.allCases)) { $0 }
        #expect(routing.url(for: .settled, callbackURL: nil) == nil)
        #expect(routing.url(for: .settled, callbackURL: "https://c.example") == "https://c.example")
    }

    @Test func eventsHaveTheNamesOfTheContract() {
        #expect(
            EventType.allCases.map(\.rawValue).sorted() == [
                "gateway.needs_attention", "refund.abandoned", "refund.delayed", "refund.failed",
                "refund.needs_attention", "refund.processing", "refund.settled",
            ]
        )
    }
}
