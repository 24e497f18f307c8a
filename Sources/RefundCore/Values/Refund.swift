/// One row of the queue: the application's request and its progress so far.
package struct Refund: Hashable, Sendable {
    /// The row's `id`.
    package var id: Int64
    /// The name of the gateway to query; `default` unless the row names another.
    package var gateway: String
    /// The merchant number the row names; nil for the configuration's.
    package var merchantNo: String?
    /// The refund's own order number, as submitted to the gateway.
    package var merchantOrderNo: String?
    /// The gateway's number for the refund, if the application knew it.
    package var transNo: String?
    /// The amount that the settlement must match, if the application gave one.
    package var expected: Money?
    /// The URL for this refund's webhooks; nil for the configured one.
    package var callbackURL: String?
    /// The application's JSON object, echoed in webhooks.
    package var metadata: String?
    /// The refund's state.
    package var state: RefundState
    /// Why the refund needs an operator, or nil.
    package var attention: Attention?
    /// The reasons for attention that events have already reported.
    package var notified: NotifiedReasons
    /// The transaction as the gateway's last verified report describes it.
    package var transaction: GatewayTransaction?
    /// Why the refund failed.
    package var failure: Failure?
    /// Queries sent so far.
    package var attempts: Int
    /// When the last query was sent.
    package var lastQueryAt: Timestamp?
    /// The last query's problem in words, or nil.
    package var lastError: String?
    /// Whether the last query got an answer whose signature verified.
    package var isLastQueryVerified: Bool
    /// Whether the last query got a verified answer that there is no such order.
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
        notified = []
        attempts = 0
        isLastQueryVerified = false
        isUnknownOrder = false
        self.createdAt = createdAt
        updatedAt = createdAt
        nextQueryAt = createdAt
    }

    /// The refund's merchant among those of its gateway; empty for the configured one.
    package var merchantKey: String { merchantNo ?? "" }

    /// Whether the refund is misconfigured because the gateway keeps refusing it or its merchant.
    package var isRefused: Bool { attention == .misconfigured && notified.contains(.refused) }

    /// Whether the gateway has given a verified answer about the refund, as far as the row tells.
    package var wasAnswered: Bool { transaction != nil || isUnknownOrder }

    /// The number that people know it by.
    package var number: String { merchantOrderNo ?? transNo ?? "" }

    /// The argument by which a command finds exactly this refund, on any shell.
    ///
    /// An abandoned refund's number may be another refund's by now.
    package var argument: String {
        let isPlain = number.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        return isPlain && !number.isEmpty && !number.hasPrefix("-") && state != .abandoned ? number : "--id \(id)"
    }

    /// The amount that the gateway reports, with its currency.
    package var reported: String? {
        transaction?.amount.map { "\($0) \(transaction?.currency ?? "")" }
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
    /// The gateway's or the processor's code, such as `TS-D2012`; `cancelled`; or `resolved` for an operator's verdict.
    package var code: String
    /// The gateway's message, if it gave one, or the operator's reason.
    package var message: String?

    /// Creates a failure.
    package init(code: String, message: String?) {
        self.code = code
        self.message = message
    }
}
