import RefundCore
import Testing

@testable import RefundDaemon

/// What is said about the daemon after a test event.
struct TestDeliveryTests {
    private func consequence(
        _ status: Int?,
        retryAfter: Duration? = nil,
        _ delays: [Duration] = RetrySchedule().delays
    ) -> String {
        let isDelivered = status.map { (200..<300).contains($0) } ?? false
        let outcome = DeliveryOutcome(
            status: status,
            error: isDelivered ? nil : "HTTP \(status ?? 0)",
            retryAfter: retryAfter,
            answer: [],
            duration: .zero
        )
        var schedule = RetrySchedule()
        schedule.delays = delays
        return TestDelivery.consequence(of: outcome, schedule, at: Timestamp(milliseconds: 0))
    }

    @Test func consequenceIsWhatTheDaemonDoes() {
        #expect(consequence(204) == "the daemon would record it as delivered")
        #expect(consequence(500) == "the daemon would retry in 5s, and 8 more times within 3d")
        #expect(consequence(nil) == "the daemon would retry in 5s, and 8 more times within 3d")
        #expect(consequence(302).hasPrefix("the daemon would retry in 5s"))
        #expect(consequence(503, retryAfter: .seconds(60)).hasPrefix("the daemon would retry in 1m (Retry-After)"))
        #expect(consequence(503, retryAfter: .seconds(1)).hasPrefix("the daemon would retry in 5s, "))
        #expect(consequence(410).hasPrefix("the daemon would disable this URL"))
        #expect(consequence(500, [.seconds(1)]) == "the daemon would retry in 1s")
        #expect(consequence(500, []).contains("the webhook is dead"))
    }
}
