/// A point in time, in whole milliseconds since 1970-01-01 00:00 UTC.
///
/// The core never reads a clock: every decision takes the current time as a parameter.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    package let milliseconds: Int64

    /// Creates a timestamp from Unix milliseconds.
    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// The time `duration` after this one; saturates instead of overflowing.
    package func advanced(by duration: Duration) -> Timestamp {
        let (sum, overflow) = milliseconds.addingReportingOverflow(duration.wholeMilliseconds)
        guard overflow else { return Timestamp(milliseconds: sum) }
        return Timestamp(milliseconds: duration < .zero ? .min : .max)
    }

    /// How long after `earlier` this time is; negative when it is before it.
    package func duration(since earlier: Timestamp) -> Duration {
        let (difference, overflow) = milliseconds.subtractingReportingOverflow(earlier.milliseconds)
        guard overflow else { return .milliseconds(difference) }
        return .milliseconds(milliseconds < earlier.milliseconds ? Int64.min : Int64.max)
    }

    /// Orders by time.
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }
}

extension Duration {
    /// This duration in whole milliseconds, rounded towards zero; saturates instead of overflowing.
    package var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        guard overflow || carry else { return sum }
        return seconds < 0 ? .min : .max
    }

    /// This duration in seconds, as a floating-point number.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// This duration times a factor, in whole milliseconds.
    ///
    /// - Parameter factor: A number that is not negative; anything else counts as zero.
    /// - Returns: The product; saturates instead of overflowing.
    package func scaled(by factor: Double) -> Duration {
        let milliseconds = (Double(wholeMilliseconds) * factor).rounded()
        guard milliseconds > 0 else { return .zero }
        return .milliseconds(milliseconds < 9e18 ? Int64(milliseconds) : .max)
    }
}
