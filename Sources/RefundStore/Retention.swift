package import RefundCore

/// What retention prunes; the names are stored.
package enum Prunable: String, Sendable, CaseIterable {
    /// Bodies and attempts of delivered and superseded webhooks of final refunds.
    case webhooks
    /// Final refunds with everything about them.
    case ledger
}

/// A step of retention: a few of the oldest rows.
package struct PruneRequest: Hashable, Sendable {
    /// The most rows that a step examines, and that it deletes or changes unless one refund has more.
    package static let rowLimit = 500

    /// What to prune.
    package var what: Prunable
    /// The time of the newest change that may be pruned.
    package var until: Timestamp
    /// The webhook's position or the refund's id after which to go on.
    package var after: Int64

    /// Creates a request.
    package init(_ what: Prunable, until: Timestamp, after: Int64 = 0) {
        (self.what, self.until, self.after) = (what, until, after)
    }
}

/// The rows that a step of retention found.
package struct PruneBatch: Hashable, Sendable {
    /// The webhooks' positions or the refunds' ids.
    package var ids: [Int64] = []
    /// The last position or id that was examined.
    package var last: Int64
    /// Whether everything beyond is too young.
    package var isLast = true

    /// Creates an empty batch.
    package init(last: Int64) {
        self.last = last
    }
}

/// The numbers of pruned rows.
package struct PrunedRows: Hashable, Sendable {
    /// Refunds.
    package var refunds = 0
    /// Ledger rows.
    package var transitions = 0
    /// Events.
    package var events = 0
    /// Webhooks.
    package var webhooks = 0
    /// Bodies of webhooks that are kept themselves.
    package var bodies = 0
    /// Attempts to deliver a webhook.
    package var attempts = 0

    /// Creates a count of nothing.
    package init() {}

    /// The counts with the names of their columns in `refund_pruned`.
    package var named: [(name: String, count: Int)] {
        [
            ("refunds", refunds), ("transitions", transitions), ("events", events), ("webhooks", webhooks),
            ("bodies", bodies), ("attempts", attempts),
        ]
    }

    /// The names of the counts.
    package static var names: [String] { PrunedRows().named.map(\.name) }

    /// Whether there are none.
    package var isEmpty: Bool { self == PrunedRows() }

    /// Adds other counts.
    package static func += (sum: inout PrunedRows, other: PrunedRows) {
        sum.refunds += other.refunds
        sum.transitions += other.transitions
        sum.events += other.events
        sum.webhooks += other.webhooks
        sum.bodies += other.bodies
        sum.attempts += other.attempts
    }
}

/// What is left of a pruned refund.
package struct PrunedRefund: Hashable, Sendable {
    /// The row's id, which no other refund ever gets.
    package var id: Int64
    /// Its order number, else the gateway's number.
    package var number: String
    /// The final state.
    package var state: RefundState
    /// When it was pruned.
    package var prunedAt: Timestamp

    /// Creates a record.
    package init(id: Int64, number: String, state: RefundState, prunedAt: Timestamp) {
        (self.id, self.number, self.state, self.prunedAt) = (id, number, state, prunedAt)
    }
}
