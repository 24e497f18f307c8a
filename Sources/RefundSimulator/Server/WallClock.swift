import FoundationEssentials
import RefundCore

extension Timestamp {
    /// The time of the system's clock.
    static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }
}
