package import RefundCore

/// The `[webhook]` section: where events are sent, and how.
package struct WebhookSettings: Hashable, Sendable {
    /// The address for rows without a `callback_url`, or nil for no webhook of theirs.
    package var url: String?
    /// The absolute paths of the files with a secret each, at most two.
    package var secretFiles: [String] = []
    /// The events that go out as webhooks.
    package var events: Set<EventType> = Set(EventType.allCases).subtracting([.processing])
    /// How long an attempt may take.
    package var timeout: Duration = .seconds(15)
    /// Webhooks that may wait for their answer at the same time.
    package var maxInFlight = 16
    /// When a webhook that was not taken is sent again.
    package var retrySchedule = RetrySchedule()
    /// The private or loopback receivers that are allowed, in lower case: hosts, addresses or networks.
    package var allowHosts: [String] = []
    /// The absolute path of extra trust anchors.
    package var caFile: String?

    /// Creates the default settings.
    package init() {}
}
