/// One row of the queue: what the application asked for and what is known so far.
public struct Refund: Hashable, Sendable {
    /// The row's `id`.
    public var id: Int64
    /// The name of the gateway that is asked; `default` unless the row names another.
    public var gateway: String
    /// The merchant number the row names; nil for the configuration's.
    public var merchantNo: String?
    /// The refund's own order number, as submitted to the gateway.
    public var merchantOrderNo: String?
    /// The gateway's number of the refund, where the application knew it.
    public var transNo: String?
    /// What the settled refund must amount to, where the application said so.
    public var expected: Money?
    /// Where webhooks of this refund go; nil for the configuration's address.
    public var callbackURL: String?
    /// A JSON object of the application's, echoed in webhooks.
    public var metadata: String?
    /// Where the refund is in its life.
    public var state: RefundState
    /// Why a person should look, or nil.
    public var attention: Attention?
    /// The reasons for attention that were told already.
    public var told: ToldAttentions
    /// What the gateway last said of the refund, verified.
    public var report: GatewayReport?
    /// Why the refund failed.
    public var failure: Failure?
    /// Queries sent so far.
    public var attempts: Int
    /// When the last query was sent.
    public var lastQueryAt: Timestamp?
    /// What was wrong with the last query, in words, or nil.
    public var lastError: String?
    /// Whether the last query was answered and the answer's signature verified.
    public var isLastQueryVerified: Bool
    /// Whether the last query's verified answer was that there is no such order.
    public var isUnknownOrder: Bool
    /// When the row was inserted.
    public var createdAt: Timestamp
    /// When refundd last wrote the row.
    public var updatedAt: Timestamp
    /// When the next query is due; nil in a final state.
    public var nextQueryAt: Timestamp?

    /// Creates a refund as an application's insert leaves it.
    public init(id: Int64, gateway: String = "default", merchantOrderNo: String? = nil, createdAt: Timestamp) {
        self.id = id
        self.gateway = gateway
        self.merchantOrderNo = merchantOrderNo
        state = .pending
        told = []
        attempts = 0
        isLastQueryVerified = false
        isUnknownOrder = false
        self.createdAt = createdAt
        updatedAt = createdAt
        nextQueryAt = createdAt
    }

    /// How old the refund is at `now`.
    public func age(at now: Timestamp) -> Duration {
        now.duration(since: createdAt)
    }
}

/// An amount with its currency, as texts.
public struct Money: Hashable, Sendable {
    /// Decimal text in major units, such as `"12.50"`.
    public var amount: String
    /// The ISO 4217 letters.
    public var currency: String

    /// Creates an amount of a currency.
    public init(amount: String, currency: String) {
        self.amount = amount
        self.currency = currency
    }
}

/// Why a refund failed.
public struct Failure: Hashable, Sendable {
    /// The gateway's or the processor's code, such as `TS-D2012`, or `cancelled`, or `resolved` by a person.
    public var code: String
    /// The gateway's words, where it gave any, or the person's.
    public var message: String?

    /// Creates a failure.
    public init(code: String, message: String?) {
        self.code = code
        self.message = message
    }
}
