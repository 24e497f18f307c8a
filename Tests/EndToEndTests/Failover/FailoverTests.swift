import Foundation
import Testing

/// A PostgreSQL server that is lost while three daemons serve its queue, and a standby that takes its place.
///
/// A long run, whose figures it prints: `TEST_FAILOVER_REFUNDS=20000 swift test --filter FailoverTests`.
struct FailoverTests {
    private static let refunds = ProcessInfo.processInfo.environment["TEST_FAILOVER_REFUNDS"].flatMap { Int($0) }

    // What must be empty, whatever was lost.
    private static let wrong = ["wrong_end", "not_ended_once", "untold", "unverified", "changed_body", "overtaken"]

    private func expectRight(_ audit: FailoverRun.Audit, _ run: FailoverRun) async throws {
        for name in Self.wrong { #expect(audit.list(name) == [], "\(name)") }
        #expect(try await run.gaps() == [1_000_001], "positions go on behind a gap")
    }

    private func figures(_ audit: FailoverRun.Audit, _ names: String...) -> String {
        names.map { "\(audit.count($0)) \($0.replacing("_", with: " "))" }.joined(separator: ", ")
    }

    @Test(.crashRun) func failoverToASynchronousStandbyLosesNothingWhateverHappensToDaemons() async throws {
        let stop = Self.refunds == nil ? 20 : 60
        let size = FailoverRun.Size(refunds: Self.refunds ?? 400, stop: .seconds(stop), seconds: stop + 12)
        try await FailoverRun.perform(isSynchronous: true, size) { run in
            let killed = try await run.killDaemon()
            // Within a second, where the machine is not busy.
            #expect(killed < .seconds(3).patiently)
            let stopped = try await run.stopDaemon()
            #expect(stopped < .seconds(30).patiently)
            let settled = try await run.failOver()
            let (audit, pace) = try await run.finish()
            print(
                """
                failover to a synchronous standby: killed daemon taken over after \(killed), stopped one after \
                \(stopped), refund settled \(settled) after the promotion, \(pace) refunds/s, \
                \(figures(audit, "enqueued", "unknown", "unknown_written", "lost", "webhooks", "deliveries", "repeated"))
                """
            )
            try await expectRight(audit, run)
            for name in ["lost", "lost_events", "several_ids"] { #expect(audit.list(name) == [], "\(name)") }
            let dead = run.daemons.filter { $0.errors.contains(FailoverRun.takenForDead) }
            #expect(dead.count == 1, "the one that was stopped")
        }
    }

    @Test(.crashRun) func failoverToAnAsynchronousStandbyLosesTheLastCommitsAlone() async throws {
        let size = FailoverRun.Size(refunds: Self.refunds ?? 400, stop: .zero, seconds: Self.refunds == nil ? 8 : 72)
        try await FailoverRun.perform(isSynchronous: false, size) { run in
            let settled = try await run.failOver()
            let (audit, pace) = try await run.finish()
            print(
                """
                failover to an asynchronous standby: refund settled \(settled) after the promotion, \(pace) refunds/s, \
                \(figures(audit, "enqueued", "unknown", "unknown_written", "lost", "webhooks", "deliveries", "repeated")), \
                \(figures(audit, "lost_events", "several_ids"))
                """
            )
            try await expectRight(audit, run)
            #expect(audit.count("lost") > 0, "what the standby had not received is gone")
            #expect(audit.count("lost") < Int64(size.refunds / 4), "and nothing else")
        }
    }
}
