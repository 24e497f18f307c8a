import Glibc
package import RefundCore

/// Where the time comes from.
package protocol WallClock: Sendable {
    /// The time it is now.
    func now() -> Timestamp
}

/// The system's real-time clock.
package struct SystemClock: WallClock {
    /// Creates the clock.
    package init() {}

    /// The time it is now.
    package func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
