/// Which events become webhooks, and where those go.
package struct WebhookRouting: Sendable {
    /// Where webhooks go whose refund names no address.
    package var defaultURL: String?
    /// The types that become webhooks; the others are only in `refund_events`.
    package var events: Set<EventType>
    /// Names the receiver behind an address, so that a slow one holds up nobody else.
    package var endpoint: @Sendable (_ url: String) -> String

    /// Creates a routing.
    package init(defaultURL: String?, events: Set<EventType>, endpoint: @escaping @Sendable (_ url: String) -> String) {
        self.defaultURL = defaultURL
        self.events = events
        self.endpoint = endpoint
    }

    /// Where the webhook of an event goes, or nil when there is none.
    ///
    /// - Parameters:
    ///   - type: The event's type.
    ///   - callbackURL: The address that the refund names.
    /// - Returns: The address.
    package func url(for type: EventType, callbackURL: String?) -> String? {
        events.contains(type) ? callbackURL ?? defaultURL : nil
    }
}
