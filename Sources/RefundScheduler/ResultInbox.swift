import Synchronization

/// What has arrived for the scheduler, put there from any thread.
final class ResultInbox: Sendable {
    /// What arrived since the scheduler last looked.
    struct Content: Sendable {
        var queries: [QueryResult] = []
        var deliveries: [DeliveryResult] = []
        /// Whether a cycle is due, whatever the database says.
        var isDue = false
    }

    private struct State {
        var content = Content()
        var isScheduled = false
        // Since when something has been waiting, or a cycle has been running.
        var busySince: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Puts something in.
    ///
    /// - Returns: Whether the scheduler has to be told; false if it has been already.
    func put(_ change: (inout Content) -> Void) -> Bool {
        state.withLock { state in
            change(&state.content)
            defer { state.isScheduled = true }
            if state.busySince == nil { state.busySince = .now }
            return !state.isScheduled
        }
    }

    /// Takes everything out.
    func take() -> Content {
        state.withLock { state in
            state.isScheduled = false
            defer { state.content = Content() }
            return state.content
        }
    }

    /// Records that what was taken has been dealt with.
    func finish() {
        state.withLock { $0.busySince = $0.isScheduled ? .now : nil }
    }

    /// How long something has been waiting or in work, or nil if there is nothing to do.
    var busyTime: Duration? {
        state.withLock { $0.busySince?.duration(to: .now) }
    }
}
