/// The states of a webhook.
package enum WebhookState: String, Sendable, CaseIterable {
    /// To be sent, for the first time or again.
    case pending
    /// The receiver accepted it.
    case delivered
    /// Retries are over; only an operator can have it sent again.
    case dead
    /// A newer event of its refund replaced it before the receiver accepted it.
    case superseded
}
