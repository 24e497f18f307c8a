package import RefundCore

/// The `[database]` section: a file, or a server.
package struct DatabaseSettings: Hashable, Sendable {
    /// The absolute path of the file that contains the queue; without meaning if there is a URL.
    package var path = "/var/lib/refundd/refundd.db"
    /// The URL of the server that contains the queue, which only its store can read; nil if the file does.
    package var url: String?
    /// The absolute path of the file with the server's password; nil if none is needed.
    package var passwordFile: String?
    /// The schema of refundd's tables on the server.
    package var schema = Self.defaultSchema
    /// Finds the files that the URL names; nil if they are relative to the current directory.
    package var files: FileLocator?

    static let defaultSchema = "refundd"
}

/// Judges the URL of a server, as the server's store does.
///
/// - Parameter database: The section that names the server.
/// - Returns: The problem and its fix, without the URL, which may hold a password; nil if there is none.
package typealias DatabaseURLCheck = @Sendable (_ database: DatabaseSettings) -> String?

/// The `[webhook]` section: which events are sent where.
package struct WebhookSettings: Hashable, Sendable {
    /// The URL for rows without a `callback_url`; nil if they get no webhooks.
    package var url: String?
    /// The absolute paths of the files with one secret each, at most two.
    package var secretFiles: [String] = []
    /// The event types that are sent as webhooks.
    package var events: Set<EventType> = Set(EventType.allCases).subtracting([.processing])
    /// The time limit for a whole delivery attempt.
    package var timeout: Duration = .seconds(15)
    /// The most webhooks in flight.
    package var maxInFlight = 16
    /// The retry schedule of undelivered webhooks.
    package var retrySchedule = RetrySchedule()
    /// The allowed private or loopback receivers.
    package var allowHosts: [AllowedHost] = []
    /// The absolute path of additional trust anchors.
    package var caFile: String?

    package init() {}
}

/// The `[admin]` section: the page for operators, and the endpoints for monitoring.
package struct AdminSettings: Hashable, Sendable {
    /// The address that serves the page, `/metrics`, `/healthz` and `/readyz`; nil turns it off.
    package var listen = ListenAddress("127.0.0.1:9464")
    /// Host names to serve besides that of the address, `localhost` and IP addresses.
    package var hosts: [String] = []
}

/// The `[heartbeat]` section: the monitor that notices when nothing gets done any more.
package struct HeartbeatSettings: Hashable, Sendable {
    /// The URL, a secret, to request while work gets done; nil for no heartbeat.
    package var url: String?
    /// The URL, a secret, to request once work no longer gets done, or nil.
    package var failureURL: String?
    /// The time between two heartbeats.
    package var interval: Duration = .seconds(5 * 60)

    package init() {}
}

/// The `[alerts]` section: events that tell an application early.
package struct AlertSettings: Hashable, Sendable {
    /// The age at which `refund.delayed` reports a refund without a verdict; nil: never.
    package var delayedAfter: Duration? = .seconds(24 * 3_600)
}

/// The `[log]` section.
package struct LogSettings: Hashable, Sendable {
    /// The lowest level to log.
    package var level: LogLevel = .info
    /// The format of a line.
    package var format: LogFormat = .auto
}

/// The severity of a log line, in increasing order.
package enum LogLevel: String, Sendable, CaseIterable {
    case trace
    case debug
    case info
    case notice
    case warning
    case error
    case critical
}

/// The format of a log line.
package enum LogFormat: String, Sendable, CaseIterable {
    /// The journal's format under systemd, otherwise text.
    case auto
    /// Plain text for human readers.
    case text
    /// One JSON object per line.
    case json
}
