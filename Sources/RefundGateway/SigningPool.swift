import Dispatch
public import RefundCrypto
import Synchronization

/// Threads that sign requests.
///
/// A signature takes half a millisecond of one core: too long for the threads that Swift's tasks share, and for a
/// shared queue that other work waits on. So the pool has serial queues of its own, which take turns.
public final class SigningPool: Sendable {
    private let queues: [DispatchQueue]
    private let turn = Atomic<UInt>(0)

    /// Creates a pool.
    ///
    /// - Parameter threads: How many signatures may be made at the same time, at least one; the number of cores is best.
    public init(threads: Int) {
        queues = (0..<max(threads, 1)).map { DispatchQueue(label: "refundd.signing.\($0)") }
    }

    /// Signs a message on one of the pool's threads.
    ///
    /// - Parameters:
    ///   - message: The bytes to sign.
    ///   - key: The key to sign with.
    ///   - completion: Takes the signature, or why there is none; called once, on the pool's thread.
    public func sign(
        _ message: [UInt8],
        with key: RSAPrivateKey,
        completion: @escaping @Sendable (Result<[UInt8], KeyError>) -> Void
    ) {
        let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        queues[Int(turn % UInt(queues.count))].async {
            completion(Result { () throws(KeyError) in try key.signature(of: message) })
        }
    }
}
