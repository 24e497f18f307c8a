import RefundCore

/// Simulated time, and over it the wall clock that the daemon reads and that administrators set.
struct VirtualClock {
    static let start = Timestamp(milliseconds: 1_767_225_600_000)

    /// The true time.
    private(set) var time = start
    /// How far the wall clock is ahead of it.
    private(set) var offset: Duration = .zero
    /// When the wall clock was last set.
    private(set) var lastSet = Timestamp(milliseconds: 0)

    /// The time that the daemon, the application and the operator read.
    var wall: Timestamp { time.advanced(by: offset) }

    /// How long the machine has been up.
    var uptime: Duration { time.duration(since: Self.start) }

    /// Whether the gateway accepts the time that the daemon signs.
    var isRight: Bool { abs(offset.inSeconds) < 15 * 60 }

    mutating func advance(to time: Timestamp) {
        self.time = max(self.time, time)
    }

    mutating func set(ahead offset: Duration) {
        self.offset = offset
        lastSet = time
    }
}

extension Duration {
    static func minutes(_ count: Double) -> Duration { .seconds(count * 60) }
    static func hours(_ count: Double) -> Duration { .seconds(count * 3_600) }
    static func days(_ count: Double) -> Duration { .seconds(count * 86_400) }
}
