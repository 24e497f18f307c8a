import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore

/// The daemon's readiness, judged by the scheduler's progress and last fault.
///
/// A probe reads and writes nothing, so it costs nothing and never waits for the database.
struct Readiness: Sendable {
    // Longer than any wait for another program's transaction.
    private static let longestCycle: Duration = .seconds(10)

    let scheduler: Scheduler

    /// The problems that keep it from being ready; empty if it is.
    func problems() -> [ReadinessProblem] {
        Self.problems(busyTime: scheduler.busyTime, fault: scheduler.fault)
    }

    /// Judges the scheduler.
    ///
    /// - Parameters:
    ///   - busyTime: How long there has been work without a completed cycle; nil without work.
    ///   - fault: Why the last transaction failed; nil if it succeeded.
    /// - Returns: The problems that keep the daemon from being ready; empty if it is.
    static func problems(busyTime: Duration?, fault: StoreError?) -> [ReadinessProblem] {
        var problems: [ReadinessProblem] = []
        if let busyTime, busyTime > longestCycle { problems.append(.schedulerStalled) }
        if let fault { problems.append(fault.isFatal ? .databaseLost : .databaseWriteFailed) }
        return problems
    }

    /// Whether the service manager's watchdog may be fed, once the scheduler's thread has responded.
    ///
    /// A database that another program holds is not a hang: the scheduler waits for it, retries, and says so.
    ///
    /// - Parameters:
    ///   - busyTime: How long there has been work without a completed cycle; nil without work.
    ///   - fault: Why the last transaction failed; nil if it succeeded.
    ///   - limit: How long work may wait.
    /// - Returns: Whether there is progress, or a known reason for its absence.
    static func isAlive(busyTime: Duration?, fault: StoreError?, limit: Duration) -> Bool {
        fault != nil || busyTime ?? .zero <= limit
    }
}
