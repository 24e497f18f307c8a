import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct TelemetryTests {
    private let harness: EngineHarness
    private let registry = MetricRegistry(gateways: ["default"])

    init() throws {
        harness = try EngineHarness()
    }

    private func report(_ notes: [EngineNote]) {
        Reporter(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: registry).report(notes)
    }

    @Test func gaugesOfAnEarlierScrapeAreNotShown() {
        let gauges = QueueGauges(store: harness.store, registry: registry, clock: SystemClock())
        let good = gauges.text()
        #expect(good.contains("\nrefundd_database_readable 1\n"))
        #expect(good.contains("\nrefundd_due_lag_seconds 0\n"))
        #expect(good.contains("\nrefundd_gateway_state{gateway=\"default\",state=\"ok\"} 1\n"))
        #expect(good.contains("\nrefundd_gateway_state{gateway=\"default\",state=\"probing\"} 0\n"))

        harness.store.close()
        let bad = gauges.text()
        #expect(bad.contains("\nrefundd_database_readable 0\n"))
        for name in ["due_lag_seconds", "gateway_state", "refunds", "webhooks", "wal_bytes"] {
            #expect(!bad.contains("refundd_\(name)"))
        }
        #expect(bad.contains("\nrefundd_webhook_attempts_total{outcome=\"dead\"} 0\n"), "counters go on")
    }

    @Test func queryDurationIsTheExchangesAndNotTheWaitForTheDatabase() throws {
        try harness.enqueue("R-1")
        let query = try #require(try harness.run().queries.first)
        let sentAt = harness.now
        harness.advance(by: .seconds(25))
        harness.arrivals.answers.append(
            QueryAnswer(refund: query.refund, sentAt: sentAt, outcome: .notFound, duration: .milliseconds(40))
        )
        report(try harness.run().notes)
        #expect(registry.text().contains("\nrefundd_query_duration_seconds_sum{gateway=\"default\"} 0.04\n"))
        #expect(registry.text().contains("\nrefundd_queries_total{gateway=\"default\",outcome=\"not_found\"} 1\n"))
    }

    @Test func verdictIsCountedWithTheTimeItTook() throws {
        try harness.enqueue("R-1")
        try harness.run()
        harness.advance(by: .seconds(45))
        harness.answerAll(.report(.succeeded))
        report(try harness.run().notes)
        let text = registry.text()
        #expect(text.contains("\nrefundd_transitions_total{from=\"pending\",to=\"settled\"} 1\n"))
        #expect(text.contains("\nrefundd_settle_duration_seconds_bucket{gateway=\"default\",le=\"30\"} 0\n"))
        #expect(text.contains("\nrefundd_settle_duration_seconds_bucket{gateway=\"default\",le=\"60\"} 1\n"))

        harness.endDeliveries(status: 204)
        report(try harness.run().notes)
        #expect(registry.text().contains("\nrefundd_webhook_attempts_total{outcome=\"delivered\"} 1\n"))
        #expect(registry.text().contains("\nrefundd_webhook_duration_seconds_sum 0.003\n"))
    }

    @Test(
        arguments: [
            (nil, nil, []),
            (.seconds(10), nil, []),
            (.seconds(11), nil, [.schedulerStalled]),
            (nil, .busy(path: "/secret", holders: ["shop (process 7)"]), [.databaseWriteFailed]),
            (nil, .full(path: "/secret"), [.databaseWriteFailed]),
            (.seconds(11), .lost(path: "/secret"), [.schedulerStalled, .databaseLost]),
        ] as [(Duration?, StoreError?, [ReadinessProblem])]
    )
    func readinessFollowsFromProgressAndTheLastFault(busy: Duration?, fault: StoreError?, problems: [ReadinessProblem])
    {
        #expect(Readiness.problems(busyTime: busy, fault: fault) == problems)
    }
}
