import Synchronization

/// The scheduler's inbox, filled from any thread.
final class ResultInbox: Sendable {
    /// The items that arrived since the scheduler last emptied the inbox.
    struct Content: Sendable {
        var queries: [QueryResult] = []
        var deliveries: [DeliveryResult] = []
        /// Whether a cycle is due, whatever the database says.
        var isDue = false
        /// Whether a cycle must write something, to prove that commits work.
        var wantsProof = false
    }

    private struct State {
        var content = Content()
        var isScheduled = false
        // Since when work has been waiting or in progress.
        var busySince: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Adds to the content.
    ///
    /// - Returns: Whether the caller must schedule a cycle; false if one is already scheduled.
    func put(_ change: (inout Content) -> Void) -> Bool {
        state.withLock { state in
            change(&state.content)
            defer { state.isScheduled = true }
            if state.busySince == nil { state.busySince = .now }
            return !state.isScheduled
        }
    }

    /// Removes and returns the content.
    func take() -> Content {
        state.withLock { state in
            state.isScheduled = false
            defer { state.content = Content() }
            return state.content
        }
    }

    /// Records that the taken content has been processed.
    func finish() {
        state.withLock { $0.busySince = $0.isScheduled ? .now : nil }
    }

    /// How long the scheduler has been busy, or nil if there is nothing to do.
    var busyTime: Duration? {
        state.withLock { $0.busySince?.duration(to: .now) }
    }
}
