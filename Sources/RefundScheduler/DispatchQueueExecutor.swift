import Dispatch
import RefundCore

/// An executor for an actor whose work blocks: its jobs run on a serial queue of its own, off the cooperative pool.
package final class DispatchQueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    /// Creates an executor with a queue of its own.
    ///
    /// - Parameter label: The queue's name, as debuggers show it.
    package init(label: String) {
        queue = DispatchQueue(label: label)
    }

    /// Runs a job of the actor on the queue.
    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in
            unsafe job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }

    /// Runs a closure on the queue, for callers outside Swift concurrency that need no task.
    ///
    /// - Parameters:
    ///   - wait: How long to wait before running it.
    ///   - work: The closure; it may assume the isolation of an actor that runs on this executor.
    package func async(after wait: Duration = .zero, _ work: @escaping @Sendable () -> Void) {
        guard wait > .zero else { return queue.async(execute: work) }
        queue.asyncAfter(deadline: .now() + wait.inSeconds, execute: work)
    }

    /// Traps unless the caller runs on the queue.
    package func checkIsolated() {
        dispatchPrecondition(condition: .onQueue(queue))
    }
}
