import RefundCore
import Testing

/// A history as refundd writes it, for a test to damage, with what its answers say.
struct History: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var history: RefundHistory
    var outcome: QueryOutcome

    /// What the check says when every stored answer says this, or what the last row's does.
    func problems(answer: QueryOutcome? = nil) -> [String] {
        LedgerCheck(history) { bytes, _ in bytes == [0] ? .says(.inProgress) : answer ?? outcome }.problems
    }

    static let sound = [untouched, settled, failed, mismatched, abandoned, resolved, dead]

    static let untouched = History("untouched", .sample(), [], .says(.inProgress))

    /// Found, then settled with the amount that was expected; the first webhook was overtaken by the second.
    static let settled = History(
        "settled",
        .sample(.settled, expected: .twelveFifty),
        [found, proven("processing", "settled", 2)],
        .says(.succeeded, "12.5", "EUR")
    )

    static let failed = History("failed", .sample(.failed), [proven("pending", "failed", 3)], .says(.cancelled))

    static let mismatched = History(
        "mismatched",
        .sample(.processing, .mismatch, expected: .twelveFifty),
        [found, proven("processing", "processing", 2, attention: "mismatch")],
        .says(.succeeded, "12.49", "EUR")
    )

    static let abandoned = History(
        "abandoned",
        .sample(.abandoned),
        [said("pending", "abandoned")],
        .says(.inProgress)
    )

    static let resolved = History(
        "resolved",
        .sample(.settled, expected: .twelveFifty),
        [found, said("processing", "settled")],
        .says(.succeeded, "12.49", "EUR")
    )

    /// Settled, and its webhook dead: a change of attention after the final state, which nobody is told of.
    static let dead: History = {
        var history = failed
        var row = LedgerRow(sequence: 2, from: "failed", to: "failed", actor: "refundd")
        row.attention = "undeliverable"
        history.history.ledger.append(row)
        history.history.refund.attention = .undeliverable
        history.history.webhooks[0].state = "dead"
        history.history.webhooks[0].nextAttemptAt = nil
        return History("dead webhook", history.history, .says(.cancelled))
    }()

    private init(_ name: String, _ history: RefundHistory, _ outcome: QueryOutcome) {
        testDescription = name
        self.history = history
        self.outcome = outcome
    }

    private init(_ name: String, _ refund: Refund, _ rows: [LedgerRow], _ outcome: QueryOutcome) {
        var refund = refund
        if case .report(let report, _) = outcome, !rows.isEmpty { refund.report = report }
        var history = RefundHistory(refund: refund, ledger: [], events: [], webhooks: [])
        for (index, row) in rows.enumerated() {
            var row = row
            row.sequence = Int64(index + 1)
            history.ledger.append(row)
            let type =
                switch row.to {
                case "processing": row.attention == nil ? "refund.processing" : "refund.needs_attention"
                default: "refund.\(row.to)"
                }
            let position = Int64(7 + index)
            let subject = LoggedEvent.Subject(type: type, refundID: 42, sequence: row.sequence, state: row.to)
            let (id, body) = ("msg_\(position)", Array("{\"position\":\(position)}".utf8))
            history.events.append(
                LoggedEvent(position: position, subject: subject, told: subject, webhookID: id, body: body)
            )
            var webhook = OutboxRow(
                id: id,
                refundID: 42,
                sequence: row.sequence,
                type: type,
                body: body,
                position: position
            )
            let isOvertaken = index + 1 < rows.count
            webhook.state = isOvertaken ? "superseded" : "pending"
            webhook.nextAttemptAt = isOvertaken ? nil : 5
            history.webhooks.append(webhook)
        }
        self.init(name, history, outcome)
    }

    private static let found: LedgerRow = {
        var row = proven("pending", "processing", 0)
        row.response = [0]
        return row
    }()

    private static func proven(
        _ from: String,
        _ to: String,
        _ transStatus: Int64,
        attention: String? = nil
    ) -> LedgerRow {
        var row = LedgerRow(sequence: 1, from: from, to: to, actor: "refundd")
        row.attention = attention
        row.transStatus = transStatus
        (row.code, row.psn, row.response) = ("0", "P-1", [1])
        return row
    }

    private static func said(_ from: String, _ to: String) -> LedgerRow {
        var row = LedgerRow(sequence: 1, from: from, to: to, actor: "alice")
        row.reason = "the bank confirmed it"
        return row
    }
}
