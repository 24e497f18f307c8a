package import RefundCore

/// What the page of the admin address shows, from one snapshot; every part is bounded.
package struct QueueOverview: Sendable {
    /// The most refunds to list for each reason.
    package static let listed = 10
    /// The most refunds without a verdict to sum in each state, oldest first.
    package static let summed = 20_000
    /// The number of latest changes that are searched for verdicts.
    package static let searched = 4_000
    /// How far back verdicts are searched for.
    package static let period: Duration = .seconds(30 * 24 * 3_600)

    /// The figures.
    package var status: QueueStatus
    /// The oldest refunds that need attention, by reason.
    package var flagged: [Attention: [Refund]] = [:]
    /// The undelivered webhooks, by endpoint.
    package var backlogs: [EndpointBacklog] = []
    /// The money without a verdict.
    package var waiting = WaitingMoney()
    /// How long the gateway's latest verdicts took, by gateway.
    package var settleTimes: [String: [Duration]] = [:]
    /// The newest changes, newest first.
    package var changes: [RecentChange] = []

    /// Creates an overview with figures alone.
    package init(status: QueueStatus) {
        self.status = status
    }
}

/// Money without a verdict, by currency and age.
package struct WaitingMoney: Sendable {
    /// The bounds between the ages: younger than an hour, a day, three days, and older.
    package static let bounds: [Duration] = [.seconds(3_600), .seconds(86_400), .seconds(3 * 86_400)]

    /// Refunds of one currency and age.
    package struct Amount: Hashable, Sendable {
        /// How many there are.
        package var count = 0
        /// The sum of their amounts.
        package var sum = MoneySum()
    }

    /// By currency, one amount per age, youngest first; the key is empty for refunds without a known amount.
    package private(set) var currencies: [String: [Amount]] = [:]
    /// Whether there are more, younger refunds than were summed.
    package var isPartial = false

    /// Creates the money of an empty queue.
    package init() {}

    /// Adds a refund.
    package mutating func add(_ money: Money?, age: Duration) {
        let band = Self.bounds.firstIndex { age < $0 } ?? Self.bounds.count
        guard let money else { return count("", band) }
        var amounts = currencies[money.currency] ?? []
        if amounts.isEmpty { amounts = Self.none }
        guard amounts[band].sum.add(money.amount) else { return count("", band) }
        amounts[band].count += 1
        currencies[money.currency] = amounts
    }

    private static var none: [Amount] { Array(repeating: Amount(), count: bounds.count + 1) }

    private mutating func count(_ currency: String, _ band: Int) {
        currencies[currency, default: Self.none][band].count += 1
    }
}

/// A change of a refund, as lists show it.
package struct RecentChange: Hashable, Sendable {
    /// When it happened.
    package var at: Timestamp
    /// The refund.
    package var refundID: Int64
    /// The refund's own order number, or the gateway's number.
    package var number: String
    /// The gateway.
    package var gateway: String
    /// The state before.
    package var from: String
    /// The state after.
    package var to: String
    /// The attention after, if any.
    package var attention: String?
    /// Who made it.
    package var actor: String

    /// Creates a change.
    package init(
        at: Timestamp,
        refundID: Int64,
        number: String,
        gateway: String,
        from: String,
        to: String,
        actor: String
    ) {
        self.at = at
        self.refundID = refundID
        self.number = number
        self.gateway = gateway
        self.from = from
        self.to = to
        self.actor = actor
    }
}

/// One refund with everything recorded about it.
package struct RefundRecord: Sendable {
    /// The refund.
    package var refund: Refund
    /// Its ledger, oldest first.
    package var ledger: [LedgerRow]
    /// Its webhooks with their attempts, oldest first.
    package var webhooks: [(row: WebhookRow, attempts: [AttemptRow])]
    /// Operators' actions that its ledger does not record, oldest first.
    package var actions: [ActionRow]

    /// Creates a record.
    package init(
        refund: Refund,
        ledger: [LedgerRow],
        webhooks: [(row: WebhookRow, attempts: [AttemptRow])],
        actions: [ActionRow]
    ) {
        self.refund = refund
        self.ledger = ledger
        self.webhooks = webhooks
        self.actions = actions
    }

    /// Reads the record of a refund.
    package init(of refund: Refund, _ tx: any QueueReader) throws(StoreError) {
        self.refund = refund
        ledger = try tx.ledger(refundID: refund.id)
        actions = try tx.actions(refundID: refund.id)
        webhooks = []
        for webhook in try tx.webhooks(refundID: refund.id) {
            webhooks.append((webhook, try tx.attempts(webhookID: webhook.id)))
        }
    }
}
