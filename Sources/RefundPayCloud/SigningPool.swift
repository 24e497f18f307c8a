import Dispatch
package import RefundCrypto
import Synchronization

/// Signs requests on queues of its own.
///
/// A signature takes half a millisecond of one core: too long for the threads of Swift's tasks, and for a queue that
/// other work shares.
package final class SigningPool: Sendable {
    // A batch wakes its receiver once. In a longer batch, the first signature would wait too long for the others.
    private static let largestBatch = 8

    private struct Job {
        let message: [UInt8]
        let key: RSAPrivateKey
        let completion: @Sendable (Result<[UInt8], KeyError>) -> Void
    }

    private struct State {
        var jobs: [Job] = []
        var idle: [DispatchQueue]
    }

    private let threads: Int
    private let state: Mutex<State>

    /// Creates a pool.
    ///
    /// - Parameter threads: The number of signatures at a time, at least one; the number of cores is best.
    package init(threads: Int) {
        self.threads = max(threads, 1)
        state = Mutex(State(idle: (0..<self.threads).map { DispatchQueue(label: "refundd.signing.\($0)") }))
    }

    /// Signs a message on one of the pool's threads.
    ///
    /// - Parameters:
    ///   - message: The bytes to sign.
    ///   - key: The key to sign with.
    ///   - completion: Called once, on a thread of the pool, with the signature or the reason there is none. Under load,
    ///     the completions of a few messages are called together.
    package func sign(
        _ message: [UInt8],
        with key: RSAPrivateKey,
        completion: @escaping @Sendable (Result<[UInt8], KeyError>) -> Void
    ) {
        let job = Job(message: message, key: key, completion: completion)
        let queue = state.withLock { state in
            state.jobs.append(job)
            return state.idle.popLast()
        }
        guard let queue else { return }
        queue.async { [self] in
            while let batch = nextBatch(for: queue) { sign(batch) }
        }
    }

    // A queue without jobs becomes idle under the same lock, so that no job is left without a queue.
    private func nextBatch(for queue: DispatchQueue) -> [Job]? {
        state.withLock { state in
            guard !state.jobs.isEmpty else {
                state.idle.append(queue)
                return nil
            }
            let count = min(max(state.jobs.count / threads, 1), Self.largestBatch)
            defer { state.jobs.removeFirst(count) }
            return Array(state.jobs.prefix(count))
        }
    }

    private func sign(_ batch: [Job]) {
        let signatures = batch.map { job in
            Result { () throws(KeyError) in try job.key.signature(of: job.message) }
        }
        for (job, signature) in zip(batch, signatures) { job.completion(signature) }
    }
}
