package import RefundCore

/// The refund that a command refers to.
package struct RefundSelector: Hashable, Sendable {
    /// How it is named.
    package enum Name: Hashable, Sendable {
        /// By its row's id.
        case id(Int64)
        /// By its order number, or else by the gateway's number.
        case number(String)
    }

    /// How it is named.
    package var name: Name
    /// Only refunds of this gateway.
    package var gateway: String?
    /// Only refunds whose row names this merchant; an empty one matches rows without a merchant.
    package var merchantNo: String?

    /// Creates a selector.
    package init(_ name: Name, gateway: String? = nil, merchantNo: String? = nil) {
        self.name = name
        self.gateway = gateway
        self.merchantNo = merchantNo
    }
}

/// The refunds that a command concerns; a nil condition matches every refund.
package struct RefundFilter: Hashable, Sendable {
    /// The state.
    package var state: RefundState?
    /// Whether to take only refunds that need attention.
    package var needsAttention = false
    /// The gateway.
    package var gateway: String?
    /// The merchant that the row names; an empty one matches rows without a merchant.
    package var merchantNo: String?
    /// The earliest time of enqueueing.
    package var since: Timestamp?
    /// The time before which the refund was enqueued.
    package var until: Timestamp?
    /// How its order number begins; every character stands for itself.
    package var orderPrefix: String?

    /// Creates a filter; by default it matches every refund.
    package init(
        state: RefundState? = nil,
        needsAttention: Bool = false,
        gateway: String? = nil,
        merchantNo: String? = nil,
        since: Timestamp? = nil,
        until: Timestamp? = nil,
        orderPrefix: String? = nil
    ) {
        self.state = state
        self.needsAttention = needsAttention
        self.gateway = gateway
        self.merchantNo = merchantNo
        self.since = since
        self.until = until
        self.orderPrefix = orderPrefix
    }
}

/// The webhooks that a command concerns.
package struct WebhookFilter: Hashable, Sendable {
    /// The state.
    package var state: WebhookState?
    /// The condition on the refund that it reports; the filter's state and times concern the webhook instead.
    package var refund = RefundFilter()

    /// Creates a filter; by default it matches every webhook.
    package init(state: WebhookState? = nil, refund: RefundFilter = RefundFilter()) {
        self.state = state
        self.refund = refund
    }
}

/// An event as applications read it: the columns of `refund_events`.
package struct EventRow: Hashable, Sendable {
    /// The position, which always increases.
    package var position: Int64
    /// When it happened.
    package var at: Timestamp
    /// The type.
    package var type: String
    /// The refund that it reports, or nil for a gateway's event.
    package var refundID: Int64?
    /// The refund's order number.
    package var merchantOrderNo: String?
    /// The refund's state after it.
    package var state: String?
    /// The body, one JSON object.
    package var body: String

    /// Creates a row.
    package init(position: Int64, at: Timestamp, type: String, body: String) {
        self.position = position
        self.at = at
        self.type = type
        self.body = body
    }
}

/// The columns that an application's insert names.
package struct NewRefund: Sendable {
    /// The columns that applications write.
    package enum Column: String, Sendable, CaseIterable {
        /// The refund's own order number.
        case merchantOrderNo = "merchant_order_no"
        /// The gateway's number for the refund.
        case transNo = "trans_no"
        /// The merchant number, if it is not the configured one.
        case merchantNo = "merchant_no"
        /// The gateway, if it is not `default`.
        case gateway
        /// The amount that the settlement must match.
        case expectedAmount = "expected_amount"
        /// The currency of the expected amount.
        case expectedCurrency = "expected_currency"
        /// The URL for webhooks.
        case callbackURL = "callback_url"
        /// A JSON object that webhooks echo.
        case metadata
    }

    /// The columns and their values.
    package var columns: [(name: Column, value: String)]

    /// Creates a row to insert.
    package init(columns: [(name: Column, value: String)]) {
        self.columns = columns
    }
}

/// A webhook as commands show it: the columns of `refund_webhooks`.
package struct WebhookRow: Hashable, Sendable {
    /// The `webhook-id`.
    package var id: String
    /// The refund that it reports, or nil for a gateway's event.
    package var refundID: Int64?
    /// The ledger row that it reports.
    package var sequence: Int64?
    /// The event's type.
    package var type: String
    /// The receiver's URL.
    package var url: String
    /// The exact bytes of the body.
    package var body: [UInt8]
    /// The state's name.
    package var state: String
    /// Attempts so far.
    package var attempts: Int
    /// When the next attempt is due.
    package var nextAttemptAt: Timestamp?
    /// The HTTP status of the last attempt.
    package var lastStatus: Int?
    /// The error of the last attempt.
    package var lastError: String?
    /// When its event happened.
    package var createdAt: Timestamp
    /// When the receiver accepted it.
    package var deliveredAt: Timestamp?
    /// When retention removed its body and attempts.
    package var prunedAt: Timestamp?

    /// Creates the row of a webhook that has not been sent.
    package init(
        id: String,
        refundID: Int64?,
        sequence: Int64?,
        type: String,
        url: String,
        body: [UInt8],
        state: String,
        attempts: Int,
        createdAt: Timestamp
    ) {
        self.id = id
        self.refundID = refundID
        self.sequence = sequence
        self.type = type
        self.url = url
        self.body = body
        self.state = state
        self.attempts = attempts
        self.createdAt = createdAt
    }
}

/// An attempt to deliver a webhook: the columns of `refund_webhook_attempts`.
package struct AttemptRow: Hashable, Sendable {
    /// When it was made.
    package var at: Timestamp
    /// The HTTP status, or nil if no response arrived.
    package var status: Int?
    /// The error, or nil.
    package var error: String?
    /// How long it took, in milliseconds.
    package var durationMilliseconds: Int64?
    /// The first bytes of the response.
    package var answer: [UInt8]?

    /// Creates a row.
    package init(at: Timestamp, status: Int?, error: String?, durationMilliseconds: Int64?, answer: [UInt8]?) {
        self.at = at
        self.status = status
        self.error = error
        self.durationMilliseconds = durationMilliseconds
        self.answer = answer
    }
}

/// An operator's action that changed neither state nor attention.
package struct ActionRow: Hashable, Sendable {
    /// The row's id.
    package var id: Int64
    /// When it happened.
    package var at: Timestamp
    /// The operator.
    package var actor: String
    /// The action: `query` or `redeliver`.
    package var action: String
    /// The redelivered webhook, or nil.
    package var webhookID: String?

    /// Creates a row.
    package init(id: Int64, at: Timestamp, actor: String, action: String, webhookID: String?) {
        self.id = id
        self.at = at
        self.actor = actor
        self.action = action
        self.webhookID = webhookID
    }
}

/// A batch of refunds with their histories.
package struct HistoryBatch: Sendable {
    /// The refunds, by id.
    package var histories: [RefundHistory] = []
    /// Problems with rows that belong to no readable refund.
    package var problems: [String] = []
    /// The id after which the next batch starts, or nil after the last one.
    package var last: Int64?

    /// Creates an empty batch.
    package init() {}
}
