/// Which events become webhooks, and where they go.
package struct WebhookRouting: Sendable {
    /// The URL for webhooks of refunds that name none.
    package var defaultURL: String?
    /// The types that become webhooks; the others are only in `refund_events`.
    package var events: Set<EventType>
    /// Returns the endpoint of a URL, so that a slow receiver holds up no other.
    package var endpoint: @Sendable (_ url: String) -> String

    /// Creates a routing.
    package init(defaultURL: String?, events: Set<EventType>, endpoint: @escaping @Sendable (_ url: String) -> String) {
        self.defaultURL = defaultURL
        self.events = events
        self.endpoint = endpoint
    }

    /// The URL for an event's webhook, or nil if it has none.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - callbackURL: The URL that the refund names.
    /// - Returns: The URL.
    package func url(for type: EventType, callbackURL: String?) -> String? {
        events.contains(type) ? callbackURL ?? defaultURL : nil
    }
}
