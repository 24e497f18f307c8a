package import RefundCore

/// Why a query or a webhook that is due is not sent, and until when.
package struct Hold: Hashable, Sendable {
    /// Who or what holds it back, in a word, such as `gateway`.
    package var holder: String
    /// Why, in words that follow "held back:".
    package var reason: String
    /// When this may end; nil if that depends on an operator.
    package var until: Timestamp?

    /// Creates a hold.
    package init(_ holder: String, _ reason: String, until: Timestamp? = nil) {
        self.holder = holder
        self.reason = reason
        self.until = until
    }
}

/// When a refund is queried next, or a webhook sent.
package enum NextStep: Hashable, Sendable {
    /// Never again: it is final.
    case none
    /// It is on its way now.
    case inFlight
    /// At a time that has not come.
    case scheduled(Timestamp)
    /// As soon as the limits allow.
    case now
    /// Not before something else has changed.
    case held(Hold)
}

/// What decides when the next queries and webhooks are sent.
package struct Outlook: Sendable {
    /// The time.
    package var now: Timestamp
    /// Whether a daemon serves the queue.
    package var isServed = true
    /// The configured gateways with their merchant numbers; nil if the configuration is not known.
    package var gateways: [String: String?]?
    /// The gateways that need an operator.
    package var incidents: [String: GatewayIncident] = [:]
    /// The gateways and endpoints that are paused.
    package var pauses: [Peer: Pause] = [:]
    /// The gateways that are only probed.
    package var breakers: [String: OpenBreaker] = [:]
    /// The endpoints that are only probed.
    package var endpoints: [String: OpenBreaker] = [:]
    /// The URLs that are disabled, with the reason.
    package var disabledURLs: [String: String] = [:]
    /// The refunds whose query is in flight.
    package var claimedRefunds: Set<Int64> = []
    /// The webhooks that are being sent.
    package var claimedWebhooks: Set<String> = []

    /// Creates an outlook on which nothing is held back.
    package init(at now: Timestamp) {
        self.now = now
    }

    /// Reads everything that holds back queries and webhooks.
    ///
    /// - Parameters:
    ///   - tx: The transaction to read in.
    ///   - now: The time.
    /// - Throws: `StoreError` if the database cannot be read.
    package init(_ tx: any QueueReader, at now: Timestamp) throws(StoreError) {
        self.now = now
        incidents = try tx.incidents()
        pauses = try tx.pauses()
        breakers = try tx.openBreakers(.gateway)
        endpoints = try tx.openBreakers(.endpoint)
        disabledURLs = try tx.disabledURLs()
        (claimedRefunds, claimedWebhooks) = try tx.claims()
    }

    /// When a refund is queried next.
    package func nextQuery(_ refund: Refund) -> NextStep {
        if refund.state.isFinal { return .none }
        if !isServed { return .held(Self.unserved) }
        if claimedRefunds.contains(refund.id) { return .inFlight }
        if let gateways {
            guard let merchantNo = gateways[refund.gateway] else {
                return .held(Hold("configuration", "it has no gateway \"\(refund.gateway)\""))
            }
            if merchantNo == nil, refund.merchantNo == nil {
                return .held(Hold("configuration", "neither the row nor gateway \(refund.gateway) has a merchant_no"))
            }
        }
        if let hold = pause(of: .gateway(refund.gateway)) { return .held(hold) }
        if let incident = incidents[refund.gateway], incident.kind == .misconfigured {
            let reason = "gateway \(refund.gateway) needs an operator (\(incident.code): \(incident.message.asClause))"
            return .held(Hold("gateway", "\(reason) and is only probed", until: breakers[refund.gateway]?.nextProbe))
        }
        if let breaker = breakers[refund.gateway] {
            let reason = "gateway \(refund.gateway) is only probed (\(breaker.reason.asClause))"
            return .held(Hold("gateway", reason, until: breaker.nextProbe))
        }
        return step(at: refund.nextQueryAt)
    }

    /// When a webhook is sent next.
    package func nextAttempt(_ webhook: WebhookRow) -> NextStep {
        guard webhook.state == WebhookState.pending.rawValue else { return .none }
        if !isServed { return .held(Self.unserved) }
        if claimedWebhooks.contains(webhook.id) { return .inFlight }
        let endpoint = HTTPURL.endpoint(of: webhook.url)
        if let hold = pause(of: .endpoint(endpoint)) { return .held(hold) }
        if let reason = disabledURLs[webhook.url] {
            return .held(
                Hold("URL", "its URL is disabled (\(reason.asClause)); the webhook becomes dead when it is due")
            )
        }
        if let breaker = endpoints[endpoint] {
            let reason = "endpoint \(endpoint) is only probed (\(breaker.reason.asClause))"
            return .held(Hold("endpoint", reason, until: breaker.nextProbe))
        }
        return step(at: webhook.nextAttemptAt)
    }

    private static let unserved = Hold("daemon", "refundd is not running")

    private func pause(of peer: Peer) -> Hold? {
        pauses[peer].map { Hold("pause", "\(peer) is paused \($0.description); run \(peer.resumeCommand)") }
    }

    private func step(at time: Timestamp?) -> NextStep {
        guard let time, time > now else { return .now }
        return .scheduled(time)
    }
}
