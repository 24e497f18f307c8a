public import RefundCore

/// The `[webhook]` section: where events are sent, and how.
public struct WebhookSettings: Hashable, Sendable {
    /// The address for rows without a `callback_url`, or nil for no webhook of theirs.
    public var url: String?
    /// The absolute paths of the files with a secret each, at most two.
    public var secretFiles: [String] = []
    /// The events that go out as webhooks.
    public var events: Set<EventType> = Set(EventType.allCases).subtracting([.processing])
    /// How long an attempt may take.
    public var timeout: Duration = .seconds(15)
    /// Webhooks that may wait for their answer at the same time.
    public var maxInFlight = 16
    /// When a webhook that was not taken is sent again.
    public var retrySchedule = RetrySchedule()
    /// The private or loopback receivers that are allowed, in lower case: hosts, addresses or networks.
    public var allowHosts: [String] = []
    /// The absolute path of extra trust anchors.
    public var caFile: String?

    /// Creates the default settings.
    public init() {}
}
