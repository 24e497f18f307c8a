import Dispatch
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

struct SigningPoolTests {
    private func signature(of message: [UInt8], from pool: SigningPool) async -> Result<[UInt8], KeyError> {
        await withCheckedContinuation { continuation in
            pool.sign(message, with: SignedAnswer.appKey) { continuation.resume(returning: $0) }
        }
    }

    @Test(arguments: [-1, 0, 1, 2, 7])
    func everyMessageGetsItsOwnSignature(threads: Int) async throws {
        let pool = SigningPool(threads: threads)
        try await withThrowingTaskGroup { group in
            for number in 0..<40 {
                group.addTask {
                    let message = Array("message \(number)".utf8)
                    let signature = try await signature(of: message, from: pool).get()
                    #expect(SignedAnswer.appPublicKey.isValid(signature: signature, for: message))
                }
            }
            try await group.waitForAll()
        }
    }

    /// The first completion holds its thread until the second has come, which needs a thread of its own.
    @Test(.timeLimit(.minutes(1)))
    func asManySignaturesAsThreadsAreMadeAtOnce() async {
        let pool = SigningPool(threads: 2)
        let second = DispatchSemaphore(value: 0)
        await withCheckedContinuation { continuation in
            pool.sign([1], with: SignedAnswer.appKey) { _ in
                second.wait()
                continuation.resume()
            }
            pool.sign([2], with: SignedAnswer.appKey) { _ in second.signal() }
        }
    }
}
