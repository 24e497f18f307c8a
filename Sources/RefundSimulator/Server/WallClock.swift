import FoundationEssentials
import RefundCore

extension Timestamp {
    /// The time of the system's clock.
    static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    /// The time as HTTP writes it, such as `Fri, 31 Dec 1999 23:59:59 GMT`.
    var httpDate: String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // `1999-12-31T23:59:59Z`; the first of January 1970 was a Thursday.
        let parts = iso8601Seconds.dropLast().split { $0 == "-" || $0 == "T" }
        let day = days[Int(max(milliseconds, 0) / 86_400_000 % 7)]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(day), \(parts[2]) \(month) \(parts[0]) \(parts[3]) GMT"
    }
}
