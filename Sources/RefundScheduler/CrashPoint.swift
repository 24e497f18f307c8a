#if DEBUG
import Foundation
import Glibc
import Synchronization
#endif

/// A point at which a test may kill or freeze the daemon, to see how the next one takes over and recovers.
///
/// A debug build kills itself at the point that the environment names: `CRASH_POINT=after-claim:3` at the third pass.
/// With `CRASH_POINT=after-claim:3:freeze`, the thread that gets there stops for good instead. A release build contains
/// none of this. The variable does not begin with `REFUNDD_`, which would make it a configuration key.
package enum CrashPoint: String, Sendable {
    /// The schema exists, and nothing else has happened.
    case afterMigration = "after-migration"
    /// The claims of an earlier daemon have ended, and nothing is claimed yet.
    case afterTakeover = "after-takeover"
    /// A cycle has written everything and is about to commit.
    case beforeCommit = "before-commit"
    /// A cycle is committed, and the state in memory is not updated.
    case afterCommit = "after-commit"
    /// Refunds are claimed, and none of them has been queried.
    case afterClaim = "after-claim"
    /// A query is in flight.
    case afterQuery = "after-query"
    /// An answer has arrived and is not written.
    case afterAnswer = "after-answer"
    /// A webhook is claimed and not yet sent.
    case beforeDelivery = "before-delivery"
    /// The receiver has answered, and the result is not written.
    case afterDelivery = "after-delivery"

    #if DEBUG
    private static let chosen: (point: CrashPoint, passing: Int, freezes: Bool)? = {
        let words = ProcessInfo.processInfo.environment["CRASH_POINT"]?.split(separator: ":") ?? []
        guard words.count >= 2, let point = CrashPoint(rawValue: String(words[0])) else { return nil }
        return Int(words[1]).map { (point, $0, words.dropFirst(2) == ["freeze"]) }
    }()
    private static let passings = Atomic(0)

    /// Kills the process, or freezes the thread, if this is the chosen point.
    package static func reached(_ point: CrashPoint) {
        guard let chosen, chosen.point == point else { return }
        guard passings.add(1, ordering: .relaxed).newValue == chosen.passing else { return }
        while chosen.freezes { pause() }
        kill(getpid(), SIGKILL)
    }
    #else
    @inline(__always)
    package static func reached(_: CrashPoint) {}
    #endif
}
