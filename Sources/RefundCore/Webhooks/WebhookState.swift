/// Where a webhook is in its life.
package enum WebhookState: String, Sendable, CaseIterable {
    /// To be sent, for the first time or again.
    case pending
    /// The receiver took it.
    case delivered
    /// The last retry is over; it is sent again only by a person's word.
    case dead
    /// A newer event of its refund overtook it before anybody took it.
    case superseded
}
