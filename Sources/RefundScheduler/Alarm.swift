import Dispatch
package import RefundCore
import Synchronization

/// The one timer of the daemon, armed for the earliest time at which something is due.
///
/// Due times are wall-clock times and the timer runs on the monotonic clock, so it is never armed further ahead than
/// `longestWait`: a clock that is set costs at most that much.
package final class Alarm: Sendable {
    /// The furthest ahead that the timer is armed.
    package static let longestWait: Duration = .seconds(30)

    // The timer's protocol is not Sendable; the lock also keeps two callers from arming at once.
    private let timer: Mutex<any DispatchSourceTimer>

    /// Creates an alarm that is not armed.
    ///
    /// - Parameter ring: Called whenever the alarm goes off, on a queue of its own; it must not block.
    package init(ring: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "refundd.alarm"))
        source.schedule(deadline: .distantFuture)
        source.setEventHandler(handler: ring)
        // A source that is released before it is activated traps.
        source.activate()
        timer = Mutex(source)
    }

    /// Arms the alarm anew; what it was armed for before is forgotten.
    ///
    /// - Parameters:
    ///   - due: When it is to go off; a time in the past means at once.
    ///   - now: The time it is now.
    package func arm(at due: Timestamp, now: Timestamp) {
        let wait = min(max(due.duration(since: now), .zero), Self.longestWait)
        timer.withLock { timer in
            timer.schedule(deadline: .now() + .milliseconds(Int(wait.wholeMilliseconds)), leeway: .milliseconds(1))
        }
    }

    deinit {
        timer.withLock { $0.cancel() }
    }
}
