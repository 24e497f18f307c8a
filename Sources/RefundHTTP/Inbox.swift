import Synchronization

/// A request on its way from the caller to the client's thread.
struct Submission: Sendable {
    /// The request.
    let request: HTTPRequest
    /// When its timeout is over.
    let deadline: ContinuousClock.Instant
    /// What is called with the result, once.
    let completion: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
}

/// The place where callers put requests and the client's thread takes them.
final class Inbox: Sendable {
    private struct State {
        var submissions: [Submission] = []
        var isOpen = true
        /// What the thread sleeps on; dropped when it ends.
        var multi: MultiHandle?
    }

    private let state: Mutex<State>

    /// Creates an empty inbox.
    ///
    /// - Parameter multi: What the thread that empties the inbox sleeps on.
    init(waking multi: MultiHandle) {
        state = Mutex(State(multi: multi))
    }

    /// Puts a request in and wakes the thread; `false` when the inbox is closed.
    func put(_ submission: Submission) -> Bool {
        let (isTaken, sleeper): (Bool, MultiHandle?) = state.withLock { state in
            guard state.isOpen else { return (false, nil) }
            defer { state.submissions.append(submission) }
            // Whoever put the first one in has woken the thread already.
            return (true, state.submissions.isEmpty ? state.multi : nil)
        }
        // Not under the lock, which is the first thing that the thread wants when it is awake.
        sleeper?.wakeUp()
        return isTaken
    }

    /// Takes all requests out, or returns `nil` once the inbox is closed.
    func take() -> [Submission]? {
        state.withLock { state in
            guard state.isOpen else { return nil }
            return takeAll(&state)
        }
    }

    /// Takes no more requests and wakes the thread.
    func close() {
        state.withLock { state in
            state.isOpen = false
            state.multi?.wakeUp()
        }
    }

    /// Takes out what a closed inbox still holds; the last call of the thread.
    func takeRemaining() -> [Submission] {
        state.withLock { state in
            state.multi = nil
            return takeAll(&state)
        }
    }

    private func takeAll(_ state: inout State) -> [Submission] {
        guard !state.submissions.isEmpty else { return [] }
        defer { state.submissions = [] }
        return state.submissions
    }
}
