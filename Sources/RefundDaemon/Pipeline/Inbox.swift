import Synchronization

/// What waits for the pipeline, put there from any thread.
final class Inbox: Sendable {
    private struct State {
        var arrivals = Arrivals()
        var isScheduled = false
        // Since when something has been waiting, or a cycle has been running.
        var busySince: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Puts something in.
    ///
    /// - Returns: Whether the pipeline must be told; it has been when this is false.
    func put(_ change: (inout Arrivals) -> Void) -> Bool {
        state.withLock { state in
            change(&state.arrivals)
            defer { state.isScheduled = true }
            if state.busySince == nil { state.busySince = .now }
            return !state.isScheduled
        }
    }

    /// Takes everything out.
    func take() -> Arrivals {
        state.withLock { state in
            state.isScheduled = false
            defer { state.arrivals = Arrivals() }
            return state.arrivals
        }
    }

    /// Takes note that what was taken out is dealt with.
    func done() {
        state.withLock { state in
            state.busySince = state.isScheduled ? .now : nil
        }
    }

    /// For how long something has been waiting or in work; nil when there is nothing to do.
    var busyTime: Duration? {
        state.withLock { $0.busySince?.duration(to: .now) }
    }
}
