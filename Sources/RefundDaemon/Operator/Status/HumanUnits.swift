package import RefundCore
package import RefundStore

extension Timestamp {
    /// The wait until this time, such as `in 5h`, or `now`.
    package func wait(from now: Timestamp) -> String {
        self <= now ? "now" : "in \(duration(since: now).rounded)"
    }

    /// The time since then, such as `5h ago`.
    package func age(at now: Timestamp) -> String {
        "\(max(now.duration(since: self), .zero).rounded) ago"
    }

    /// The time of something that has happened, relative to now; a later time comes from a clock that was set back.
    package func past(at now: Timestamp) -> String {
        "\(age(at: now)) (\(iso8601Seconds))"
    }

    /// The time relative to now, with the exact one: `5h ago (2026-11-22T03:04:05Z)`.
    package func relative(to now: Timestamp) -> String {
        "\(self > now ? wait(from: now) : age(at: now)) (\(iso8601Seconds))"
    }
}

extension OpenBreaker {
    /// When the next probe is sent, such as `, next probe in 15s`; empty if that is unknown.
    package func nextProbe(from now: Timestamp) -> String {
        // Times of before the clock was set back have moved with it.
        nextProbe.map { ", next probe \(since > now ? "now" : $0.wait(from: now))" } ?? ""
    }
}

extension Int64 {
    /// The number of bytes in a unit for readers: `512 B`, `12.5 KiB`, `3.0 GiB`.
    package var asBytes: String {
        guard self >= 1_024 else { return "\(self) B" }
        var (value, unit) = (Double(self) / 1_024, 0)
        let units = ["KiB", "MiB", "GiB", "TiB"]
        while value >= 1_024, unit < units.count - 1 { (value, unit) = (value / 1_024, unit + 1) }
        let tenths = Int(value * 10)
        return "\(tenths / 10).\(tenths % 10) \(units[unit])"
    }
}
