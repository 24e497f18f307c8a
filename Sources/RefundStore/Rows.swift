package import RefundCore

/// Which refund a command means.
package struct RefundSelector: Hashable, Sendable {
    /// How it is named.
    package enum Name: Hashable, Sendable {
        /// By its row.
        case id(Int64)
        /// By its order number, else by the gateway's number.
        case number(String)
    }

    /// How it is named.
    package var name: Name
    /// Only refunds of this gateway.
    package var gateway: String?
    /// Only refunds whose row names this merchant, or none if it is empty.
    package var merchantNo: String?

    /// Creates a selector.
    package init(_ name: Name, gateway: String? = nil, merchantNo: String? = nil) {
        self.name = name
        self.gateway = gateway
        self.merchantNo = merchantNo
    }
}

/// Which refunds `list` shows; conditions that are nil let every refund through.
package struct RefundFilter: Hashable, Sendable {
    /// The state.
    package var state: RefundState?
    /// Whether only refunds that need attention are wanted.
    package var needsAttention = false

    /// Creates a filter that lets every refund through.
    package init(state: RefundState? = nil, needsAttention: Bool = false) {
        self.state = state
        self.needsAttention = needsAttention
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
        /// The merchant, if it is not the configuration's.
        case merchantNo = "merchant_no"
        /// The gateway, if it is not `default`.
        case gateway
        /// What the refund must amount to.
        case expectedAmount = "expected_amount"
        /// The currency of that.
        case expectedCurrency = "expected_currency"
        /// Where webhooks go.
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
    /// Where it goes.
    package var url: String
    /// The exact bytes.
    package var body: [UInt8]
    /// The state's name.
    package var state: String
    /// Attempts so far.
    package var attempts: Int
    /// When the next attempt is due.
    package var nextAttemptAt: Timestamp?
    /// The HTTP status of the last attempt.
    package var lastStatus: Int?
    /// What went wrong with the last attempt.
    package var lastError: String?
    /// When its event happened.
    package var createdAt: Timestamp
    /// When the receiver accepted it.
    package var deliveredAt: Timestamp?

    /// Creates a row that was not sent yet.
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
    /// What went wrong, or nil.
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

/// What an operator did that changed neither state nor attention.
package struct ActionRow: Hashable, Sendable {
    /// The row's id.
    package var id: Int64
    /// When.
    package var at: Timestamp
    /// Who.
    package var actor: String
    /// What: `query` or `redeliver`.
    package var action: String
    /// The webhook that was sent again, or nil.
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

/// Refunds with everything that was written about them.
package struct HistoryBatch: Sendable {
    /// The refunds, by id.
    package var histories: [RefundHistory] = []
    /// What is wrong with rows that belong to no readable refund.
    package var problems: [String] = []
    /// The id beyond which the next batch begins, or nil if this was the last.
    package var last: Int64?

    /// Creates an empty batch.
    package init() {}
}
