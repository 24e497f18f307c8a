import RefundCore
import RefundStore
import Testing

struct QueueHealthTests {
    private func findings(_ change: (inout QueueStatus) -> Void) -> [String] {
        var status = QueueStatus()
        change(&status)
        return QueueHealth(status, gateways: ["default", "jp"]).findings.map(\.problem)
    }

    private static let since = Timestamp(milliseconds: 0)
    private static let incident = GatewayIncident(
        kind: .unreachable,
        code: "UNREACHABLE",
        message: "timed out",
        isVerified: false,
        since: since
    )

    @Test func busyQueueIsHealthy() {
        #expect(
            findings {
                $0.states = [.pending: 1_000_000]
                $0.dueLags = ["default": .seconds(60), "nowhere": .seconds(600)]
                $0.breakers["jp"] = OpenBreaker(since: Self.since, reason: "HTTP 503")
                $0.webhooks = [.pending: 1_000, .delivered: 5]
            }.isEmpty
        )
        #expect(QueueHealth(QueueStatus(), gateways: []).sentence.hasPrefix("Healthy: "))
    }

    @Test func lagOfAGatewayThatIsNotProbedIsAProblem() {
        #expect(
            findings { $0.dueLags = ["default": .seconds(120)] }
                == ["refunds of gateway default have been due for 2 min without a query"]
        )
        #expect(
            findings {
                $0.dueLags = ["default": .seconds(120)]
                $0.breakers["default"] = OpenBreaker(since: Self.since, reason: "HTTP 503")
            }.isEmpty
        )
    }

    @Test func gravestProblemComesFirst() {
        var status = QueueStatus()
        status.incidents["jp"] = Self.incident
        status.attention = [.overdue: 1, .mismatch: 2, .undeliverable: 3]
        status.webhooks[.dead] = 3
        status.endpoints.disabledCount = 1
        let health = QueueHealth(status, gateways: ["default", "jp"])
        #expect(
            health.findings.map(\.problem) == [
                "gateway jp has given no verified answer since 1970-01-01T00:00:00Z (timed out)",
                "2 refunds settled with another amount than expected",
                "1 refund without a verdict for too long",
                "3 webhooks were never accepted",
            ]
        )
        #expect(health.sentence.hasPrefix("Needs an operator: gateway jp has given no verified answer"))
        #expect(health.sentence.hasSuffix(", and 3 more problems."))
        #expect(health.findings.allSatisfy { $0.command.hasPrefix("refundd ") })
    }

    @Test func disabledURLWithoutDeadWebhooksIsAProblemOfItsOwn() {
        #expect(findings { $0.endpoints.disabledCount = 1 } == ["1 webhook URL is disabled"])
    }
}
