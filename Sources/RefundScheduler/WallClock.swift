import Glibc
package import RefundCore

/// The source of time.
package protocol WallClock: Sendable {
    /// The current time.
    func now() -> Timestamp
    /// How long the system has been up: a clock that cannot be set.
    func uptime() -> Duration
}

/// The system's clocks.
package struct SystemClock: WallClock {
    /// Creates the clock.
    package init() {}

    package func now() -> Timestamp {
        let time = Self.read(CLOCK_REALTIME)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package func uptime() -> Duration {
        let time = Self.read(CLOCK_BOOTTIME)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return time
    }
}
