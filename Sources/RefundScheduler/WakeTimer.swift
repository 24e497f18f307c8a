import Dispatch
import RefundCore
import Synchronization

/// The scheduler's one Dispatch timer, armed for the earliest time at which something is due.
///
/// Due times are wall-clock times and the timer runs on the monotonic clock, so it is never armed further ahead than
/// `longestWait`: that bounds the delay when the clock is set.
final class WakeTimer: Sendable {
    /// The furthest ahead that the timer is armed.
    static let longestWait: Duration = .seconds(30)

    // The timer's protocol is not Sendable; the lock also serializes callers that arm it.
    private let timer: Mutex<any DispatchSourceTimer>

    /// Creates a timer that is not armed.
    ///
    /// - Parameter wake: Called whenever the timer fires, on a queue of its own; it must not block.
    init(wake: @escaping @Sendable () -> Void) {
        let source = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "refundd.timer"))
        source.schedule(deadline: .distantFuture)
        source.setEventHandler(handler: wake)
        // A source that is released before it is activated traps.
        source.activate()
        timer = Mutex(source)
    }

    /// Arms the timer, replacing the time it was armed for.
    ///
    /// - Parameters:
    ///   - due: When to fire; at once if that is in the past.
    ///   - now: The current time.
    func arm(at due: Timestamp, now: Timestamp) {
        let wait = min(max(due.duration(since: now), .zero), Self.longestWait)
        timer.withLock { timer in
            timer.schedule(deadline: .now() + .milliseconds(Int(wait.wholeMilliseconds)), leeway: .milliseconds(1))
        }
    }

    deinit {
        timer.withLock { $0.cancel() }
    }
}
