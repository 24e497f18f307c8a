import Dispatch
package import RefundCrypto
import Synchronization

/// Threads that sign requests.
///
/// A signature takes half a millisecond of one core: too long for the threads that Swift's tasks share, and for a
/// shared queue that other work waits on. So the pool has serial queues of its own.
package final class SigningPool: Sendable {
    // What is handed over together wakes whoever takes it once. More would keep the first of a batch waiting for longer.
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
    /// - Parameter threads: How many signatures may be made at the same time, at least one; the number of cores is best.
    package init(threads: Int) {
        self.threads = max(threads, 1)
        state = Mutex(State(idle: (0..<self.threads).map { DispatchQueue(label: "refundd.signing.\($0)") }))
    }

    /// Signs a message on one of the pool's threads.
    ///
    /// - Parameters:
    ///   - message: The bytes to sign.
    ///   - key: The key to sign with.
    ///   - completion: Takes the signature, or why there is none; called once, on the pool's thread. Under load those of
    ///     a few messages are called one right after the other.
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

    // Without jobs the queue is idle, which it says under the same lock, so that no job is left without a queue.
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
