import Dispatch
import RefundCore
import RefundStoreSQLite

/// Whether the daemon does its work: the pipeline makes progress and the database accepts writes.
struct Readiness: Sendable {
    // Longer than the pipeline may wait for another program's transaction.
    private static let longestCycle: Duration = .seconds(10)

    let pipeline: Pipeline
    let store: RefundStore
    let queue = DispatchQueue(label: "refundd.readiness")

    /// The reasons why it does not; none when it does.
    func reasons() async -> [String] {
        var reasons: [String] = []
        if let busy = pipeline.busyTime, busy > Self.longestCycle {
            reasons.append("the pipeline has made no progress for \(busy.formatted)")
        }
        if let fault = pipeline.fault { reasons.append(fault.description) }
        let refusal = await withCheckedContinuation { continuation in
            queue.async {
                do throws(StoreError) {
                    try store.transaction { _ in }
                    continuation.resume(returning: nil as StoreError?)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
        if let refusal, reasons.isEmpty { reasons.append(refusal.description) }
        return reasons
    }
}
