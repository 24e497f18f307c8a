import CoreMetrics
import Dispatch
import RefundCore
import Testing

@testable import RefundAdmin

struct MetricTests {
    private let registry = MetricRegistry(gateways: ["default", "jp"])

    private func lines(of metric: Metric) -> [String] {
        registry.text().split(separator: "\n").map(String.init).filter { line in
            line.hasPrefix("\(metric.rawValue) ") || line.hasPrefix("\(metric.rawValue){")
        }
    }

    @Test(arguments: Metric.allCases)
    func namesLabelsAndHelpFollowPrometheusRules(metric: Metric) {
        let declaration = metric.declaration
        #expect(metric.rawValue.wholeMatch(of: /(refundd|process)_[a-z_]+/) != nil)
        #expect(metric.rawValue.hasSuffix("_total") == (declaration.kind == .counter))
        #expect(declaration.help.hasSuffix(".") && !declaration.help.contains("\n") && !declaration.help.contains("\\"))
        #expect(declaration.bounds == declaration.bounds.sorted())
        #expect(declaration.bounds.isEmpty == (declaration.kind != .histogram))
        for label in declaration.labels { #expect(label.name.wholeMatch(of: /[a-z]+/) != nil && label.name != "le") }
    }

    @Test func noTwoNamesCollideOnceSuffixesAreStripped() {
        let suffixes = ["_total", "_bucket", "_sum", "_count", "_created", "_info"]
        let names = Metric.allCases.map { metric in
            suffixes.first { metric.rawValue.hasSuffix($0) }.map { String(metric.rawValue.dropLast($0.count)) }
                ?? metric.rawValue
        }
        #expect(Set(names).count == names.count)
    }

    @Test func countersAndHistogramsShowUpAsZeroBeforeTheirFirstEvent() {
        #expect(
            lines(of: .webhookAttempts).sorted() == [
                "refundd_webhook_attempts_total{outcome=\"dead\"} 0",
                "refundd_webhook_attempts_total{outcome=\"delivered\"} 0",
                "refundd_webhook_attempts_total{outcome=\"failed\"} 0",
            ]
        )
        #expect(lines(of: .queries).contains("refundd_queries_total{gateway=\"jp\",outcome=\"unreachable\"} 0"))
        #expect(lines(of: .transitions).count == 10)
        #expect(registry.text().contains("\nrefundd_query_duration_seconds_count{gateway=\"default\"} 0\n"))
        #expect(registry.text().contains("\nrefundd_webhook_duration_seconds_count 0\n"))
    }

    @Test func everyOutcomeOfAQueryHasASeries() {
        let evidence = Evidence(code: "0", psn: nil, response: [])
        let outcomes: [QueryOutcome] = [
            .report(GatewayReport(.settled, GatewayTransaction(status: 2)), evidence), .notFound(message: "", evidence),
            .inconclusive(reason: ""), .credentialsRefused(code: "", message: "", isVerified: true),
            .unverified(reason: ""), .slowedDown(reason: "", retryAfter: nil), .unreachable(reason: ""),
        ]
        for outcome in outcomes { Metric.queries.increment("default", outcome.kind, in: registry) }
        #expect(lines(of: .queries).filter { $0.hasSuffix(" 1") }.count == outcomes.count)
        #expect(!registry.text().contains("other"))
    }

    @Test func valuesFromOutsideMakeNoSeries() {
        for number in 0..<1_000 { Metric.queries.increment("gateway-\(number)", "outcome-\(number)", in: registry) }
        let others = lines(of: .queries).filter { !$0.hasSuffix(" 0") }
        #expect(others == ["refundd_queries_total{gateway=\"other\",outcome=\"other\"} 1000"])
    }

    @Test func gatewaysOfANewConfigurationHaveSeriesOfTheirOwn() {
        registry.setGateways(["default", "sg"])
        #expect(lines(of: .queries).contains("refundd_queries_total{gateway=\"sg\",outcome=\"report\"} 0"))
        Metric.queries.increment("sg", "report", in: registry)
        Metric.queries.increment("jp", "report", in: registry)
        #expect(lines(of: .queries).contains("refundd_queries_total{gateway=\"sg\",outcome=\"report\"} 1"))
        #expect(lines(of: .queries).contains("refundd_queries_total{gateway=\"other\",outcome=\"report\"} 1"))
    }

    @Test func gaugesOfAScrapeAreShownOnce() {
        let scrape = registry.scrape()
        Metric.refunds.set(2.5, "pending", in: scrape)
        let text = registry.text(with: scrape)
        #expect(
            text.contains(
                "\n# HELP refundd_refunds Refunds in the queue, by state.\n# TYPE refundd_refunds gauge\n"
                    + "refundd_refunds{state=\"pending\"} 2.5\n"
            )
        )
        #expect(!registry.text().contains("refundd_refunds{"))
    }

    @Test func histogramsCountIntoEachBucketFromTheirOwnUpwards() {
        let durations: [Duration] = [
            .milliseconds(4), .milliseconds(5), .milliseconds(30), .milliseconds(700), .seconds(60), .milliseconds(-1),
        ]
        for duration in durations { Metric.webhookDuration.record(duration, in: registry) }
        let text = registry.text()
        let expected = """
            # TYPE refundd_webhook_duration_seconds histogram
            refundd_webhook_duration_seconds_bucket{le="0.005"} 2
            refundd_webhook_duration_seconds_bucket{le="0.01"} 2
            refundd_webhook_duration_seconds_bucket{le="0.025"} 2
            refundd_webhook_duration_seconds_bucket{le="0.05"} 3
            refundd_webhook_duration_seconds_bucket{le="0.1"} 3
            refundd_webhook_duration_seconds_bucket{le="0.25"} 3
            refundd_webhook_duration_seconds_bucket{le="0.5"} 3
            refundd_webhook_duration_seconds_bucket{le="1"} 4
            refundd_webhook_duration_seconds_bucket{le="2.5"} 4
            refundd_webhook_duration_seconds_bucket{le="5"} 4
            refundd_webhook_duration_seconds_bucket{le="10"} 4
            refundd_webhook_duration_seconds_bucket{le="30"} 4
            refundd_webhook_duration_seconds_bucket{le="+Inf"} 5
            refundd_webhook_duration_seconds_sum 60.739
            refundd_webhook_duration_seconds_count 5

            """
        #expect(text.contains(expected), "\(text)")
    }

    @Test func durationsKeepTheirFractionsOfAMillisecond() {
        Metric.queryDuration.record(.microseconds(250), "default", in: registry)
        #expect(registry.text().contains("\nrefundd_query_duration_seconds_sum{gateway=\"default\"} 0.00025\n"))
    }

    @Test func undeclaredMetricsAndOtherKindsAreNotShown() {
        let before = registry.text()
        Counter(label: "unknown_total", factory: registry).increment()
        Recorder(label: Metric.webhookAttempts.rawValue, factory: registry).record(2)
        Gauge(label: "unknown", factory: registry).record(1)
        CoreMetrics.Timer(label: "unknown_seconds", factory: registry).recordNanoseconds(1)
        #expect(registry.text().replacing("refundd_webhook_attempts_total{outcome=\"other\"} 0\n", with: "") == before)
    }

    @Test(arguments: [-1, 0])
    func countersNeverFall(amount: Int64) {
        let counter = CounterInstrument()
        counter.increment(by: 2)
        counter.increment(by: amount)
        #expect(counter.samples("c", labels: "") == "c 2\n")
        counter.reset()
        #expect(counter.samples("c", labels: "") == "c 0\n")
    }

    @Test func nothingIsLostBetweenThreads() {
        DispatchQueue.concurrentPerform(iterations: 8) { [registry] _ in
            for _ in 0..<1_000 {
                Metric.queries.increment("default", "report", in: registry)
                Metric.queryDuration.record(.seconds(1), "default", in: registry)
            }
            _ = registry.text()
        }
        #expect(lines(of: .queries).contains("refundd_queries_total{gateway=\"default\",outcome=\"report\"} 8000"))
        #expect(registry.text().contains("\nrefundd_query_duration_seconds_sum{gateway=\"default\"} 8000\n"))
    }

    @Test(arguments: [
        ("plain", #"plain"#), (#"back\slash"#, #"back\\slash"#), (#"say "hi""#, #"say \"hi\""#),
        ("two\nlines", #"two\nlines"#), ("\"} 1\nforged 2", #"\"} 1\nforged 2"#), ("返金 é", "返金 é"), ("", ""),
    ])
    func labelValuesAreEscaped(value: String, shown: String) {
        #expect(PrometheusText.labels([("l", value), ("m", "1")]) == "l=\"\(shown)\",m=\"1\"")
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1, "1"), (-3, "-3"), (0.005, "0.005"), (2.5, "2.5"), (1e14, "100000000000000"),
        (1e18, "1e+18"), (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func numbersAreWrittenAsPrometheusReadsThem(value: Double, shown: String) {
        #expect(PrometheusText.number(value) == shown)
    }
}
