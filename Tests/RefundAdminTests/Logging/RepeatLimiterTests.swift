import Logging
import RefundCore
import Testing

@testable import RefundAdmin

struct RepeatLimiterTests {
    private var limiter = RepeatLimiter()

    private func line(
        _ message: String,
        at seconds: Int64,
        level: Logger.Level = .warning,
        _ metadata: Logger.Metadata = [:]
    ) -> LogLine {
        let time = Timestamp(milliseconds: seconds * 1_000)
        return LogLine(time: time, level: level, label: "refundd", message: message, metadata: metadata)
    }

    @Test mutating func repeatsBeyondABurstAreCountedAndReportedOnce() {
        var written: [LogLine] = []
        for number in 0..<1_000 { written += limiter.admit(line("flagged", at: 0, ["order": "R-\(number)"])) }
        #expect(written.count == 100)
        let next = limiter.admit(line("other", at: 31))
        #expect(next.map(\.message) == ["left out repeats of: flagged", "other"])
        #expect(next[0].metadata == ["lines": "900"])
        #expect(next[0].level == .warning)
        #expect(limiter.admit(line("flagged", at: 32)).map(\.message) == ["flagged"])
        #expect(limiter.admit(line("other", at: 70)).count == 1, "nothing was left out meanwhile")
    }

    @Test mutating func otherMessagesGatewaysAndEndpointsAreNoRepeats() {
        for _ in 0..<200 { _ = limiter.admit(line("a", at: 0, ["gateway": "default"])) }
        #expect(limiter.admit(line("a", at: 0, ["gateway": "default"])).isEmpty)
        #expect(limiter.admit(line("a", at: 0, ["gateway": "jp"])).count == 1)
        #expect(limiter.admit(line("a", at: 0, ["endpoint": "https://shop"])).count == 1)
        #expect(limiter.admit(line("b", at: 0, ["gateway": "default"])).count == 1)
    }

    @Test(arguments: [(Logger.Level.debug, 10_000), (.info, 3_000), (.notice, 100), (.critical, 100)])
    func burstDependsOnTheLevel(level: Logger.Level, passed: Int) {
        var limiter = RepeatLimiter()
        var count = 0
        for _ in 0..<10_000 { count += limiter.admit(line("m", at: 0, level: level)).count }
        #expect(count == passed)
    }

    @Test mutating func clockThatWasSetBackEndsThePeriod() {
        for _ in 0..<101 { _ = limiter.admit(line("a", at: 1_000)) }
        #expect(limiter.admit(line("a", at: 10)).map(\.message) == ["left out repeats of: a", "a"])
    }

    @Test mutating func manyKindsOfLinesPassWithoutTakingMemory() {
        for number in 0..<5_000 { #expect(limiter.admit(line("m\(number)", at: 0)).count == 1) }
    }
}
