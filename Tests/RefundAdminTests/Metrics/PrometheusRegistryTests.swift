import CoreMetrics
import Dispatch
import Testing

@testable import RefundAdmin

struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry()

    @Test func showsEveryKindOfMetricInAStableOrder() {
        registry.describe("refunds", help: "Refunds by state.")
        registry.describe("queries_total", help: "Queries sent.")
        registry.describe("never_used", help: "Not shown.")
        Gauge(label: "refunds", dimensions: [("state", "settled")], factory: registry).record(7)
        Gauge(label: "refunds", dimensions: [("state", "pending")], factory: registry).record(2.5)
        let queries = Counter(label: "queries_total", factory: registry)
        queries.increment()
        queries.increment(by: 41)
        FloatingPointCounter(label: "busy_seconds_total", factory: registry).increment(by: 0.75)
        Meter(label: "in_flight", factory: registry).increment(by: 3)
        Meter(label: "in_flight", factory: registry).decrement(by: 1)

        #expect(
            registry.text() == """
                # TYPE busy_seconds_total counter
                busy_seconds_total 0.75
                # TYPE in_flight gauge
                in_flight 2
                # HELP queries_total Queries sent.
                # TYPE queries_total counter
                queries_total 42
                # HELP refunds Refunds by state.
                # TYPE refunds gauge
                refunds{state="pending"} 2.5
                refunds{state="settled"} 7

                """
        )
    }

    @Test func anEmptyRegistryShowsNothing() {
        #expect(registry.text() == "")
    }

    @Test func histogramsCountIntoEveryBucketFromTheirOwnUpwards() {
        registry.describe("query_seconds", help: "Time of a query.")
        let timer = CoreMetrics.Timer(
            label: "query_seconds",
            dimensions: [("gateway", "default")],
            factory: registry
        )
        for nanoseconds: Int64 in [4_000_000, 5_000_000, 30_000_000, 700_000_000, 60_000_000_000, -1] {
            timer.recordNanoseconds(nanoseconds)
        }

        #expect(
            registry.text() == """
                # HELP query_seconds Time of a query.
                # TYPE query_seconds histogram
                query_seconds_bucket{gateway="default",le="0.005"} 2
                query_seconds_bucket{gateway="default",le="0.01"} 2
                query_seconds_bucket{gateway="default",le="0.025"} 2
                query_seconds_bucket{gateway="default",le="0.05"} 3
                query_seconds_bucket{gateway="default",le="0.1"} 3
                query_seconds_bucket{gateway="default",le="0.25"} 3
                query_seconds_bucket{gateway="default",le="0.5"} 3
                query_seconds_bucket{gateway="default",le="1"} 4
                query_seconds_bucket{gateway="default",le="2.5"} 4
                query_seconds_bucket{gateway="default",le="5"} 4
                query_seconds_bucket{gateway="default",le="10"} 4
                query_seconds_bucket{gateway="default",le="30"} 4
                query_seconds_bucket{gateway="default",le="+Inf"} 5
                query_seconds_sum{gateway="default"} 60.739
                query_seconds_count{gateway="default"} 5

                """
        )
    }

    @Test func recordersAreHistogramsWithoutLabelsToo() {
        let recorder = Recorder(label: "batch", factory: registry)
        recorder.record(2)
        recorder.record(Double.nan)
        let text = registry.text()
        #expect(text.hasPrefix("# TYPE batch histogram\nbatch_bucket{le=\"0.005\"} 0\n"))
        #expect(text.hasSuffix("batch_bucket{le=\"30\"} 1\nbatch_bucket{le=\"+Inf\"} 1\nbatch_sum 2\nbatch_count 1\n"))
    }

    @Test func theSameNameAndLabelsGiveTheSameInstrument() {
        let first = registry.makeCounter(label: "c", dimensions: [("a", "1"), ("b", "2")])
        let second = registry.makeCounter(label: "c", dimensions: [("b", "2"), ("a", "1")])
        let other = registry.makeCounter(label: "c", dimensions: [("a", "1")])
        #expect(first === second)
        #expect(first !== other)
    }

    @Test func aNameOfAnotherKindIsNotShownTwice() {
        registry.makeCounter(label: "x", dimensions: []).increment(by: 1)
        registry.makeMeter(label: "x", dimensions: []).set(Int64(9))
        registry.makeTimer(label: "x", dimensions: [("a", "b")]).recordNanoseconds(1)
        #expect(registry.text() == "# TYPE x counter\nx 1\n")
    }

    @Test func whatIsDestroyedIsNoLongerShown() {
        let first = registry.makeCounter(label: "c", dimensions: [("n", "1")])
        let second = registry.makeCounter(label: "c", dimensions: [("n", "2")])
        let timer = registry.makeTimer(label: "t", dimensions: [])
        registry.destroyCounter(first)
        registry.destroyTimer(timer)
        #expect(registry.text() == "# TYPE c counter\nc{n=\"2\"} 0\n")
        registry.destroyCounter(second)
        #expect(registry.text() == "")
    }

    @Test(arguments: [-1.0, .nan, .infinity, -.infinity])
    func countersNeverFallOrLoseTheirValue(amount: Double) {
        let counter = CounterInstrument()
        counter.increment(by: Int64(2))
        counter.increment(by: amount)
        counter.increment(by: Int64(-5))
        #expect(counter.samples(name: "c", labels: "") == "c 2\n")
        counter.reset()
        #expect(counter.samples(name: "c", labels: "") == "c 0\n")
    }

    @Test func nothingIsLostBetweenThreads() {
        DispatchQueue.concurrentPerform(iterations: 8) { index in
            // Each iteration makes its instruments anew, so that making them is raced too.
            let counter = registry.makeCounter(label: "c", dimensions: [])
            let timer = registry.makeTimer(label: "t", dimensions: [])
            let meter = registry.makeMeter(label: "m", dimensions: [("index", "\(index)")])
            for _ in 0..<5_000 {
                counter.increment(by: 1)
                timer.recordNanoseconds(1_000_000_000)
                meter.increment(by: 1)
            }
            _ = registry.text()
        }
        let text = registry.text()
        #expect(text.hasPrefix("# TYPE c counter\nc 40000\n"))
        #expect(text.contains("\nt_bucket{le=\"1\"} 40000\n"))
        #expect(text.contains("\nt_sum 40000\nt_count 40000\n"))
        #expect(text.contains("\nm{index=\"7\"} 5000\n"))
    }
}
