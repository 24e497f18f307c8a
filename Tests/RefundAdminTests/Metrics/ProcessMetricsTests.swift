import Testing

@testable import RefundAdmin

struct ProcessMetricsTests {
    @Test func figuresOfTheProcessAreReadFromProc() {
        let registry = MetricRegistry()
        ProcessMetrics.read(into: registry)
        let text = registry.text()
        for name in [
            "cpu_seconds_total", "start_time_seconds", "virtual_memory_bytes", "resident_memory_bytes", "open_fds",
            "max_fds",
        ] {
            #expect(text.contains("\nprocess_\(name) "))
        }
        #expect(text.contains("# TYPE process_cpu_seconds_total counter\n"))
    }

    @Test func nameOfTheProgramMayContainBlanksAndParentheses() throws {
        let numbers = (4...52).map { "\($0)" }.joined(separator: " ")
        let figures = try #require(
            ProcessMetrics(stat: "7 (a) S (b) S \(numbers)\n", bootTime: 1_000, ticks: 100, pageSize: 4_096)
        )
        #expect(figures.cpuSeconds == 0.29)
        #expect(figures.startSeconds == 1_000.22)
        #expect(figures.virtualBytes == 23)
        #expect(figures.residentBytes == 24 * 4_096)
    }

    @Test(arguments: ["", "7 (refundd", "7 (refundd) S 1 2", "7 (refundd) S " + String(repeating: "x ", count: 60)])
    func anotherTextHasNoFigures(text: String) {
        #expect(ProcessMetrics(stat: text, bootTime: 0, ticks: 100, pageSize: 4_096) == nil)
    }
}
