import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct TelemetryTests {
    private let registry = MetricRegistry(gateways: ["default"])
    private let now = Timestamp(milliseconds: 1_800_000_000_000)

    private func report(_ events: SchedulerEvent...) {
        Reporter(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: registry).report(events)
    }

    @Test func gaugesOfAnEarlierScrapeAreNotShown() throws {
        let queue = try QueueFixture()
        let gauges = QueueGauges(store: queue.store, registry: registry, clock: SystemClock())
        let good = gauges.text()
        #expect(good.contains("\nrefundd_database_readable 1\n"))
        #expect(good.contains("\nrefundd_due_lag_seconds 0\n"))
        #expect(good.contains("\nrefundd_gateway_state{gateway=\"default\",state=\"ok\"} 1\n"))
        #expect(good.contains("\nrefundd_gateway_state{gateway=\"default\",state=\"probing\"} 0\n"))

        queue.store.close()
        let bad = gauges.text()
        #expect(bad.contains("\nrefundd_database_readable 0\n"))
        for name in ["due_lag_seconds", "gateway_state", "refunds", "webhooks", "wal_bytes"] {
            #expect(!bad.contains("refundd_\(name)"))
        }
        #expect(bad.contains("\nrefundd_webhook_attempts_total{outcome=\"dead\"} 0\n"), "counters go on")
    }

    @Test func queryDurationIsThatOfTheExchange() {
        let refund = Refund(id: 1, merchantOrderNo: "R-1", createdAt: now)
        report(.queried(gateway: "default", refund: refund, .unreachable(reason: "x"), duration: .milliseconds(40)))
        #expect(registry.text().contains("\nrefundd_query_duration_seconds_sum{gateway=\"default\"} 0.04\n"))
        #expect(registry.text().contains("\nrefundd_queries_total{gateway=\"default\",outcome=\"unreachable\"} 1\n"))
    }

    @Test func verdictIsCountedWithTheTimeItTook() {
        let refund = Refund(id: 1, merchantOrderNo: "R-1", createdAt: now)
        var machine = RefundStateMachine(refund, policy: PollingPolicy())
        let report = GatewayReport(.settled, GatewayTransaction(status: 2))
        let settledAt = now.advanced(by: .seconds(45))
        let evidence = Evidence(code: "0", psn: nil, response: [])
        let transitions = machine.queryAnswered(.report(report, evidence), sentAt: now, at: settledAt, draw: 0.5)
        for transition in transitions { self.report(.transition(refund: machine.refund, transition)) }
        let text = registry.text()
        #expect(text.contains("\nrefundd_transitions_total{from=\"pending\",to=\"settled\"} 1\n"))
        #expect(text.contains("\nrefundd_settle_duration_seconds_bucket{gateway=\"default\",le=\"30\"} 0\n"))
        #expect(text.contains("\nrefundd_settle_duration_seconds_bucket{gateway=\"default\",le=\"60\"} 1\n"))
    }

    @Test func attemptIsCountedWithItsDuration() {
        let delivery = Delivery(id: "msg_1", refundID: 1, url: "https://shop.example", body: [], attempts: 0)
        let outcome = DeliveryOutcome(status: 204, error: nil, retryAfter: nil, answer: [], duration: .milliseconds(3))
        report(.attempted(delivery, outcome, .delivered(at: now), nil))
        #expect(registry.text().contains("\nrefundd_webhook_attempts_total{outcome=\"delivered\"} 1\n"))
        #expect(registry.text().contains("\nrefundd_webhook_duration_seconds_sum 0.003\n"))
    }

    @Test(
        arguments: [
            (nil, nil, []),
            (.seconds(10), nil, []),
            (.seconds(11), nil, [.schedulerStalled]),
            (nil, .busy, [.databaseWriteFailed]),
            (nil, .full, [.databaseWriteFailed]),
            (.seconds(11), .lost, [.schedulerStalled, .databaseLost]),
        ] as [(Duration?, StoreError.Kind?, [ReadinessProblem])]
    )
    func readinessFollowsFromProgressAndTheLastFault(
        busy: Duration?,
        kind: StoreError.Kind?,
        problems: [ReadinessProblem]
    ) {
        let fault = kind.map { StoreError($0, location: "/secret", reason: "shop (process 7)", description: "/secret") }
        #expect(Readiness.problems(busyTime: busy, fault: fault) == problems)
    }
}
