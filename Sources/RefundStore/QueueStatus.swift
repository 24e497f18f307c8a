package import RefundCore

/// The queue in figures.
package struct QueueStatus: Sendable {
    /// The refunds in each state.
    package var states: [RefundState: Int] = [:]
    /// The refunds that need attention, by reason.
    package var attention: [Attention: Int] = [:]
    /// The age of the oldest refund without a verdict, or nil if every refund has one.
    package var oldestPending: Duration?
    /// The longest time that any due refund has been waiting; zero if none is due.
    ///
    /// Refunds of paused gateways do not count.
    package var dueLag: Duration = .zero
    /// ``dueLag`` of each gateway that has claimable refunds.
    package var dueLags: [String: Duration] = [:]
    /// The age of each gateway's oldest refund without a verdict.
    ///
    /// The search is bounded: among many thousands, the age may be that of a somewhat younger refund.
    package var oldestByGateway: [String: Duration] = [:]
    /// The webhooks in each state.
    package var webhooks: [WebhookState: Int] = [:]
    /// The current incidents, by gateway.
    package var incidents: [String: GatewayIncident] = [:]
    /// The open circuit breakers of gateways, by gateway.
    package var breakers: [String: OpenBreaker] = [:]
    /// The gateways that were queried lately and have given no verified answer.
    package var lapses: [String: GatewayLapse] = [:]
    /// The refunds that their gateway does not know, although it was asked more than once.
    package var unknownOrders = UnknownOrders()
    /// The gateways and endpoints that are paused.
    package var pauses: [Peer: Pause] = [:]
    /// When each gateway last gave a verified answer.
    package var sightings: [String: GatewaySighting] = [:]
    /// The endpoints and URLs that webhooks are held back from.
    package var endpoints = EndpointStatus()
    /// The daemons that serve the queue, the oldest first; empty for a file, which one at most serves.
    package var daemons: [ServingDaemon] = []
    /// The daemons that others took over from in the last day, the latest first.
    package var gone: [GoneDaemon] = []
    /// The size of the write-ahead log, which grows while a process keeps a transaction open.
    package var walBytes: Int64 = 0
    /// The size of the database file, in bytes.
    package var fileBytes: Int64 = 0
    /// How much of the file is free for new rows, in bytes.
    package var freeBytes: Int64 = 0

    /// How many refunds have no verdict.
    package var openCount: Int { RefundState.open.reduce(0) { $0 + (states[$1] ?? 0) } }

    /// Creates the status of an empty queue.
    package init() {}

    /// Forgets how long refunds have been due whose gateway is not configured: nothing queries them.
    package mutating func forgetLags(exceptOf gateways: [String]) {
        dueLags = dueLags.filter { gateways.contains($0.key) }
        dueLag = dueLags.values.max() ?? .zero
    }
}

/// The refunds that their gateway does not know: a wrong number shows here long before the refund needs attention.
package struct UnknownOrders: Sendable {
    /// How many there are; the search is bounded, so that among many thousands some may be missed.
    package var count = 0
    /// The number of the oldest, and when it was enqueued; nil without any.
    package var oldest: (number: String, since: Timestamp)?

    /// Creates an empty list.
    package init() {}
}

/// The endpoints and URLs that webhooks are held back from.
package struct EndpointStatus: Sendable {
    /// The most endpoints and URLs to list; the counts cover all.
    package static let listed = 100

    /// How many endpoints have an open breaker.
    package var openCount = 0
    /// The endpoints whose breaker has been open longest; each since its first failure, if that is known.
    package var open: [(endpoint: String, breaker: OpenBreaker)] = []
    /// How many URLs are disabled.
    package var disabledCount = 0
    /// The most recently disabled URLs.
    package var disabled: [(url: String, health: URLHealth)] = []
    /// The endpoints that refuse everything, the longest first; those with an open breaker, too.
    package var refusals: [EndpointRefusal] = []
    /// The retries that wait at the other endpoints.
    package var retries = WaitingRetries()

    /// Creates the status of an empty outbox.
    package init() {}
}
