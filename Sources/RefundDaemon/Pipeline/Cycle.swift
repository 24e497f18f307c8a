import RefundCore

/// What follows from one cycle of the engine, to be done once its transaction is committed.
struct Cycle {
    /// The refunds to query now.
    var queries: [(refund: Refund, query: RefundQuery, send: SendQuery)] = []
    /// The webhooks to send now.
    var deliveries: [(delivery: Delivery, endpoint: String)] = []
    /// What happened, for logs and metrics.
    var notes: [EngineNote] = []
    /// When the engine must run again even if nothing arrives.
    var nextWake: Timestamp?
}

/// Something that happened, for logs and metrics.
enum EngineNote: Sendable {
    /// A query came back.
    case answered(gateway: String, refund: Refund, outcome: QueryOutcome, duration: Duration)
    /// A refund changed its state or attention.
    case transition(refund: Refund, Transition)
    /// An attempt to deliver a webhook ended.
    case delivery(Delivery, DeliveryOutcome, isDead: Bool)
    /// A gateway refuses our credentials or cannot be believed.
    case gatewayTrouble(gateway: String, GatewayHealth.Trouble)
    /// A gateway answers as it should again.
    case gatewayRecovered(gateway: String)
    /// A gateway is down or asks to be asked less, and is asked with one refund at a time.
    case breakerOpened(gateway: String, reason: String)
    /// A gateway answers again.
    case breakerClosed(gateway: String)
    /// So many attempts failed in a row that only probes are sent to an endpoint.
    case endpointFails(endpoint: String, reason: String)
    /// An endpoint took a webhook again.
    case endpointRecovered(endpoint: String)
    /// The URL of a webhook is disabled from now on.
    case urlDisabled(Delivery, URLHealth.Disabling)
    /// The database refused to take one result; the others of its batch are written.
    case refused(what: String, reason: String)
    /// The database's write-ahead log has grown beyond its bound, or to twice what was told.
    case logGrew(bytes: Int64, users: [String])
}
