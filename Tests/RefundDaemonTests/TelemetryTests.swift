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
        #expect(good.contains("\nrefundd_daemons 1\n"))
        #expect(good.contains("\nrefundd_due_lag_seconds{gateway=\"default\"} 0\n"))
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

    @Test func pauseIsTheStateOfItsGatewayAndCountsAsAnEndpoint() throws {
        let queue = try QueueFixture()
        try queue.sql("INSERT INTO refund_queue (merchant_order_no) VALUES ('R-1')")
        for peer in [Peer.gateway("default"), .endpoint("https://shop.example:443")] {
            _ = try queue.store.write { tx throws(StoreError) in try tx.pause(peer, Pause(since: now, by: "ada")) }
        }
        let clock = StoppedClock(time: SystemClock().now().advanced(by: .seconds(900)))
        let text = QueueGauges(store: queue.store, registry: registry, clock: clock).text()
        for (state, value) in [("ok", 0), ("probing", 0), ("misconfigured", 0), ("paused", 1)] {
            #expect(text.contains("\nrefundd_gateway_state{gateway=\"default\",state=\"\(state)\"} \(value)\n"))
        }
        #expect(text.contains("\nrefundd_endpoints{state=\"paused\"} 1\n"))
        #expect(text.contains("\nrefundd_due_lag_seconds{gateway=\"default\"} 0\n"))
    }

    @Test func changesByOperatorsAreCountedFromTheLedger() throws {
        let queue = try QueueFixture()
        _ = try queue.makeWebhooks(["R-1"])
        let gauges = QueueGauges(store: queue.store, registry: registry, clock: SystemClock())
        _ = gauges.text()
        _ = try queue.makeWebhooks(["R-2", "R-3"])
        _ = gauges.text()
        let series = "\nrefundd_transitions_total{from=\"pending\",to=\"abandoned\"}"
        #expect(registry.text().contains("\(series) 2\n"), "not those before the first scrape")
        _ = gauges.text()
        #expect(registry.text().contains("\(series) 2\n"), "each once")
    }

    @Test func ageIsThatOfEachGatewayAndNobodyWaitsForOneThatIsNotConfigured() throws {
        let queue = try QueueFixture()
        registry.setGateways(["default", "jp"])
        let clock = StoppedClock(time: SystemClock().now().advanced(by: .seconds(90)))
        try queue.sql(
            """
            INSERT INTO refund_queue (merchant_order_no, gateway) VALUES ('R-1', 'default'), ('R-2', 'nowhere');
            UPDATE refund_queue SET next_query_at = created_at + 60000 WHERE merchant_order_no = 'R-1'
            """
        )
        let text = QueueGauges(store: queue.store, registry: registry, clock: clock).text()
        let lines = text.split(separator: "\n").filter {
            $0.contains("_lag_seconds{") || $0.contains("_pending_seconds{")
        }
        let values = Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let parts = line.split(separator: " ")
                return (String(parts[0]), Double(parts[1]) ?? -1)
            }
        )
        func value(_ name: String, _ gateway: String) -> Double? { values["refundd_\(name){gateway=\"\(gateway)\"}"] }
        #expect(values.count == 5)
        #expect((80...90).contains(value("oldest_pending_seconds", "default") ?? -1))
        #expect((80...90).contains(value("oldest_pending_seconds", "other") ?? -1))
        #expect(value("oldest_pending_seconds", "jp") == 0)
        #expect((20...30).contains(value("due_lag_seconds", "default") ?? -1))
        #expect(value("due_lag_seconds", "other") == nil, "it needs attention, and the alert would never end")
        #expect(value("due_lag_seconds", "jp") == 0)
    }

    @Test func endpointsBeyondTheFirstFiftyAreCountedTogether() throws {
        let queue = try QueueFixture()
        for number in 1...60 { try queue.abandon("R-\(number)", to: "https://shop-\(number).example/token") }
        let text = QueueGauges(store: queue.store, registry: registry, clock: SystemClock()).text()
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("refundd_endpoint_webhooks{") }
        #expect(lines.count == 102)
        #expect(lines.contains("refundd_endpoint_webhooks{endpoint=\"other\",state=\"pending\"} 10"))
        #expect(!text.contains("token"))
    }

    @Test func databaseFaultsAreCountedByKind() {
        let reporter = Reporter(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, metrics: registry)
        #expect(registry.text().contains("\nrefundd_database_faults_total{kind=\"busy\"} 0\n"))
        reporter.report(fault: StoreError(.busy, location: "/x", reason: "held", description: "held"))
        reporter.report(fault: nil)
        #expect(registry.text().contains("\nrefundd_database_faults_total{kind=\"busy\"} 1\n"))
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

private struct StoppedClock: WallClock {
    let time: Timestamp

    func now() -> Timestamp { time }
    func uptime() -> Duration { .zero }
}
