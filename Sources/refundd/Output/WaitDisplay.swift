import Dispatch
import RefundDaemon
import RefundStore
import Synchronization

/// Shows what a command waits for, on standard error if it is a terminal, once that has taken a second.
final class WaitDisplay: Sendable {
    private static let interval: DispatchTimeInterval = .seconds(1)

    private struct State {
        var what: String?
        var since = ContinuousClock.now
        // How often the command has begun to wait, so that a late tick shows nothing of the past.
        var turn = 0
        var isShown = false

        mutating func clear() {
            if isShown { ProgressLine.clear() }
            isShown = false
        }
    }

    private let state = Mutex(State())

    /// Begins to wait for something, instead of anything else.
    ///
    /// - Parameter what: What the command waits for, such as `gateway default`.
    func begin(_ what: String) {
        guard ProgressLine.isTerminal else { return }
        let turn = state.withLock { state in
            state.clear()
            state.turn += 1
            (state.what, state.since) = (what, .now)
            return state.turn
        }
        showLater(turn)
    }

    /// Removes the line.
    func end() {
        state.withLock { state in
            state.clear()
            state.what = nil
        }
    }

    // On a thread of Dispatch's: what is waited for may block the others.
    private func showLater(_ turn: Int) {
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.interval) { self.show(turn) }
    }

    private func show(_ turn: Int) {
        let goesOn = state.withLock { state in
            guard let what = state.what, state.turn == turn else { return false }
            let seconds = (ContinuousClock.now - state.since).components.seconds
            ProgressLine.show("waiting for \(what) (\(seconds)s)")
            state.isShown = true
            return true
        }
        if goesOn { showLater(turn) }
    }
}

/// Does something that may take longer than a second, and shows then what it waits for.
///
/// - Parameters:
///   - what: What it waits for.
///   - body: The work, which prints nothing.
/// - Returns: The body's value.
/// - Throws: The body's failure.
func waiting<Value>(for what: String, _ body: () throws(CommandFailure) -> Value) throws(CommandFailure) -> Value {
    let display = WaitDisplay()
    display.begin(what)
    defer { display.end() }
    return try body()
}

extension QueueStore {
    /// Writes as `command` does, and shows the wait for another program that holds the database.
    func commandShowingWait<Success>(
        _ body: (any QueueWriter) throws(StoreError) -> Result<Success, CommandFailure>
    ) throws(CommandFailure) -> Success {
        try waiting(for: "the database") { () throws(CommandFailure) in try command(body) }
    }
}
