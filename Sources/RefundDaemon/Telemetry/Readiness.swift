import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore

/// Whether the daemon does its work, by the scheduler's own progress and last fault.
///
/// Nothing is read or written to find out: a probe costs nothing and never waits for the database.
struct Readiness: Sendable {
    // Longer than a cycle waits for another program's transaction.
    private static let longestCycle: Duration = .seconds(10)

    let scheduler: Scheduler

    /// Why it does not; empty if it does.
    func problems() -> [ReadinessProblem] {
        Self.problems(busyTime: scheduler.busyTime, fault: scheduler.fault)
    }

    /// Judges the scheduler.
    ///
    /// - Parameters:
    ///   - busyTime: How long there has been work without a completed cycle; nil without work.
    ///   - fault: Why the last transaction failed; nil if it succeeded.
    /// - Returns: Why the daemon does not do its work; empty if it does.
    static func problems(busyTime: Duration?, fault: StoreError?) -> [ReadinessProblem] {
        var problems: [ReadinessProblem] = []
        if let busyTime, busyTime > longestCycle { problems.append(.schedulerStalled) }
        if let fault { problems.append(fault.isFatal ? .databaseLost : .databaseWriteFailed) }
        return problems
    }
}
