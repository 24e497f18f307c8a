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

    /// Why it does not, without a path or the name of a process; empty if it does.
    func reasons() -> [String] {
        Self.reasons(busyTime: scheduler.busyTime, fault: scheduler.fault)
    }

    static func reasons(busyTime: Duration?, fault: StoreError?) -> [String] {
        var reasons: [String] = []
        if let busyTime, busyTime > longestCycle { reasons.append("the scheduler makes no progress") }
        if let fault { reasons.append(fault.isFatal ? "the database is lost" : "the database cannot be written") }
        return reasons
    }
}
