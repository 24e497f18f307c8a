import Dispatch
import RefundCore
import Synchronization

/// Runs blocking work on a thread of its own, off the cooperative pool.
///
/// - Parameters:
///   - grace: How long the work may continue after the waiting task is cancelled, before it is abandoned.
///   - interrupt: Makes the work end soon; called when the waiting task is cancelled.
///   - work: The work.
/// - Returns: The work's value, or nil if it was abandoned.
func onDedicatedThread<Value: Sendable>(
    grace: Duration,
    interrupt: (@Sendable () -> Void)? = nil,
    _ work: @escaping @Sendable () -> Value
) async -> Value? {
    await wait(grace: grace, interrupt: interrupt) { complete in
        DispatchQueue(label: "refundd.work").async { complete(work()) }
    }
}

/// Waits for work that does not respond to cancellation.
///
/// - Returns: The work's value, or nil as soon as the waiting task is cancelled, which abandons the work.
func untilCancelled<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value? {
    await wait(grace: .zero, interrupt: nil) { complete in
        Task.detached { complete(await work()) }
    }
}

private func wait<Value: Sendable>(
    grace: Duration,
    interrupt: (@Sendable () -> Void)?,
    _ start: (@escaping @Sendable (Value?) -> Void) -> Void
) async -> Value? {
    let promise = Promise<Value?>()
    start(promise.fulfil)
    return await withTaskCancellationHandler {
        await promise.value()
    } onCancel: {
        interrupt?()
        let queue = DispatchQueue(label: "refundd.grace")
        queue.asyncAfter(deadline: .now() + grace.inSeconds) { promise.fulfil(nil) }
    }
}

/// A value that one task waits for; only the first value counts.
private final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case pending
        case awaited(CheckedContinuation<Value, Never>)
        case fulfilled(Value)
    }

    private let state = Mutex(State.pending)

    func fulfil(_ value: Value) {
        let waiting: CheckedContinuation<Value, Never>? = state.withLock { state in
            switch state {
            case .fulfilled: return nil
            case .pending:
                state = .fulfilled(value)
                return nil
            case .awaited(let continuation):
                state = .fulfilled(value)
                return continuation
            }
        }
        waiting?.resume(returning: value)
    }

    func value() async -> Value {
        await withCheckedContinuation { continuation in
            let value: Value? = state.withLock { state in
                if case .fulfilled(let value) = state { return value }
                state = .awaited(continuation)
                return nil
            }
            if let value { continuation.resume(returning: value) }
        }
    }
}
