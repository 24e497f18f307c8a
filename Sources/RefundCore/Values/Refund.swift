/// One row of the queue: what the application asked for and what is known so far.
package struct Refund: Hashable, Sendable {
    /// The row's `id`.
    package var id: Int64
    /// The name of the gateway that is asked; `default` unless the row names another.
    package var gateway: String
    /// The merchant number the row names; nil for the configuration's.
    package var merchantNo: String?
    /// The refund's own order number, as submitted to the gateway.
    package var merchantOrderNo: String?
    /// The gateway's number of the refund, where the application knew it.
    package var transNo: String?
    /// What the settled refund must amount to, where the application said so.
    package var expected: Money?
    /// Where webhooks of this refund go; nil for the configuration's address.
    package var callbackURL: String?
    /// A JSON object of the application's, echoed in webhooks.
    package var metadata: String?
    /// Where the refund is in its life.
    package var state: RefundState
    /// Why a person should look, or nil.
    package var attention: Attention?
    /// The reasons for attention that were told already.
    package var told: NotifiedReasons
    /// What the gateway last said of the refund, verified.
    package var report: GatewayReport?
    /// Why the refund failed.
    package var failure: Failure?
    /// Queries sent so far.
    package var attempts: Int
    /// When the last query was sent.
    package var lastQueryAt: Timestamp?
    /// What was wrong with the last query, in words, or nil.
    package var lastError: String?
    /// Whether the last query was answered and the answer's signature verified.
    package var isLastQueryVerified: Bool
    /// Whether the last query's verified answer was that there is no such order.
    package var isUnknownOrder: Bool
    /// When the row was inserted.
    package var createdAt: Timestamp
    /// When refundd last wrote the row.
    package var updatedAt: Timestamp
    /// When the next query is due; nil in a final state.
    package var nextQueryAt: Timestamp?

    /// Creates a refund as an application's insert leaves it.
    package init(id: Int64, gateway: String = "default", merchantOrderNo: String? = nil, createdAt: Timestamp) {
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
    package func age(at now: Timestamp) -> Duration {
        now.duration(since: createdAt)
    }
}

/// An amount with its currency, as texts.
package struct Money: Hashable, Sendable {
    /// Decimal text in major units, such as `"12.50"`.
    package var amount: String
    /// The ISO 4217 letters.
    package var currency: String

    /// Creates an amount of a currency.
    package init(amount: String, currency: String) {
        self.amount = amount
        self.currency = currency
    }
}

/// Why a refund failed.
package struct Failure: Hashable, Sendable {
    /// The gateway's or the processor's code, such as `TS-D2012`, or `cancelled`, or `resolved` by a person.
    package var code: String
    /// The gateway's words, where it gave any, or the person's.
    package var message: String?

    /// Creates a failure.
    package init(code: String, message: String?) {
        self.code = code
        self.message = message
    }
}
