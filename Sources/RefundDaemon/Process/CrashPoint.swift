#if DEBUG
import Foundation
import Glibc
import Synchronization
#endif

/// A moment at which a test may have the daemon killed, to see what the next one makes of it.
///
/// A debug build ends itself by SIGKILL where the environment says so: `CRASH_POINT=after-claim:3` at the third time.
/// A release build has nothing of it. The variable does not begin with `REFUNDD_`, as those that override the
/// configuration do.
enum CrashPoint: String {
    /// The tables are there, and nothing else has been done.
    case afterMigration = "after-migration"
    /// The claims of the daemon before have ended, and nothing is claimed yet.
    case afterTakeover = "after-takeover"
    /// A cycle's transaction has written everything and is about to be committed.
    case beforeCommit = "before-commit"
    /// It is committed, and memory does not know that yet.
    case afterCommit = "after-commit"
    /// Refunds are claimed, and none of them is queried yet.
    case afterClaim = "after-claim"
    /// A query is on its way.
    case afterQuery = "after-query"
    /// Its answer has arrived, and is written nowhere.
    case afterAnswer = "after-answer"
    /// A webhook is claimed, and is not sent yet.
    case beforeDelivery = "before-delivery"
    /// The receiver has answered, and that is written nowhere.
    case afterDelivery = "after-delivery"

    #if DEBUG
    private static let chosen: (point: CrashPoint, passing: Int)? = {
        let words = ProcessInfo.processInfo.environment["CRASH_POINT"]?.split(separator: ":") ?? []
        guard words.count == 2, let point = CrashPoint(rawValue: String(words[0])) else { return nil }
        return Int(words[1]).map { (point, $0) }
    }()
    private static let passings = Atomic(0)

    /// Ends the process if this is the moment that was chosen.
    static func reached(_ point: CrashPoint) {
        guard let chosen, chosen.point == point else { return }
        if passings.add(1, ordering: .relaxed).newValue == chosen.passing { kill(getpid(), SIGKILL) }
    }
    #else
    @inline(__always)
    static func reached(_: CrashPoint) {}
    #endif
}
