import Testing

@testable import RefundAdmin

struct PrometheusTextTests {
    @Test(arguments: [
        ("refundd_queries_total", "refundd_queries_total"),
        ("refundd.query-time seconds", "refundd_query_time_seconds"),
        ("namespace:name", "namespace:name"),
        ("5xx", "_5xx"),
        ("", "_"),
        ("größe", "gr____e"),
        ("a\nb 1\n# TYPE", "a_b_1___TYPE"),
    ])
    func metricNamesHoldOnlyWhatPrometheusAllows(name: String, shown: String) {
        #expect(PrometheusText.metricName(name) == shown)
    }

    @Test(arguments: [("gateway", "gateway"), ("a:b", "a_b"), ("1st", "_1st"), ("le", "le_"), ("x y\"", "x_y_")])
    func labelNamesHoldOnlyWhatPrometheusAllows(name: String, shown: String) {
        #expect(PrometheusText.labelName(name) == shown)
    }

    @Test(arguments: [
        ("plain", #"plain"#),
        (#"back\slash"#, #"back\\slash"#),
        (#"say "hi""#, #"say \"hi\""#),
        ("two\nlines", #"two\nlines"#),
        ("\"} 1\nforged 2", #"\"} 1\nforged 2"#),
        ("返金 é", "返金 é"),
        ("", ""),
    ])
    func labelValuesAreEscaped(value: String, shown: String) {
        #expect(PrometheusText.labels([("l", value)]) == "l=\"\(shown)\"")
    }

    @Test func labelsAreSortedAndStandOnce() {
        #expect(PrometheusText.labels([("b", "1"), ("a", "2"), ("b", "3")]) == #"a="2",b="3""#)
        #expect(PrometheusText.labels([("a.b", "1"), ("a-b", "2")]) == #"a_b="2""#)
        #expect(PrometheusText.labels([]) == "")
    }

    @Test func helpIsEscapedWithoutItsQuotationMarks() {
        #expect(PrometheusText.help("a \"b\"\\c\nd") == #"a "b"\\c\nd"#)
    }

    @Test(arguments: [
        (0.0, "0"), (-0.0, "0"), (1, "1"), (-3, "-3"), (0.005, "0.005"), (2.5, "2.5"), (1e14, "100000000000000"),
        (1e18, "1e+18"), (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
    ])
    func numbersAreWrittenAsPrometheusReadsThem(value: Double, shown: String) {
        #expect(PrometheusText.number(value) == shown)
    }
}
