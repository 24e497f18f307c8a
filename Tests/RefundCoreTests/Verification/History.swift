import RefundTestSupport
import Testing

@testable import RefundCore

/// A history as refundd writes it, for a test to damage, with what its answers say.
struct History: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var history: RefundHistory
    var outcome: QueryOutcome

    /// What the check says when every stored answer says this, or what the last row's does.
    func problems(answer: QueryOutcome? = nil) -> [String] {
        LedgerCheck(history) { bytes, _ in
            bytes == [0] ? .says(.processing) : answer ?? outcome
        } endpoint: { _ in
            "hooks.example"
        }.problems
    }

    static let sound = [
        untouched, processing, settled, failed, mismatched, abandoned, resolved, given(up: "failed"), dead, refused,
        delayed, delayedAndSettled, delayedInNeedOfAttention,
    ]

    /// Reported as delayed before its first change.
    static let delayed = untouched.delayed(after: 0, "delayed")

    /// Reported as delayed while it was processed; the verdict superseded that webhook.
    static let delayedAndSettled: History = {
        var history = processing.delayed(after: 1, "delayed and settled")
        history.history.webhooks[0].state = "superseded"
        history.history.webhooks[0].nextAttemptAt = nil
        return history
    }()

    /// Reported as delayed while a `refund.needs_attention` waits to be sent, which goes on waiting.
    static let delayedInNeedOfAttention: History = {
        var history = mismatched.delayed(after: 2, "delayed in need of attention")
        history.history.webhooks[0].state = "superseded"
        history.history.webhooks[0].nextAttemptAt = nil
        return history
    }()

    /// The history with a `refund.delayed` event and its webhook at the end.
    private func delayed(after sequence: Int64, _ name: String) -> History {
        var history = history
        history.refund.notified.insert(.delayed)
        var refund = history.refund
        if sequence > 0, refund.transaction == nil { refund.transaction = GatewayTransaction(status: 0) }
        let body = Array(
            EventBody.delayed(
                refund,
                reason: "no verdict for 24h",
                sequence: Int(sequence),
                at: enqueued,
                merchantNo: "3121"
            ).utf8
        )
        let subject = LoggedEvent.Subject(
            type: "refund.delayed",
            refundID: 42,
            sequence: sequence,
            state: refund.state.rawValue
        )
        history.events.append(
            LoggedEvent(position: 90, at: enqueued, subject: subject, webhookID: "msg_90", body: body)
        )
        var webhook = OutboxRow(
            id: "msg_90",
            refundID: 42,
            sequence: sequence,
            type: subject.type,
            body: body,
            position: 90,
            url: "https://hooks.example/in",
            endpoint: "hooks.example"
        )
        webhook.nextAttemptAt = 5
        history.webhooks.append(webhook)
        return History(name, history, outcome)
    }

    /// Refused with its merchant, which the event of another refund of the merchant reports.
    static let refused: History = {
        var history = untouched
        var row = LedgerRow(sequence: 1, at: enqueued, from: "pending", to: "pending", actor: "refundd")
        (row.attention, row.code, row.reason) = ("misconfigured", "SYS002", "the gateway refuses our credentials")
        history.history.ledger.append(row)
        history.history.refund.attention = .misconfigured
        return History("refused merchant", history.history, .says(.processing))
    }()

    static let untouched = History("untouched", .sample(), [], .says(.processing))

    /// Found, then settled with the amount that was expected; the first webhook was superseded by the second.
    static let settled = History(
        "settled",
        .sample(.settled, expected: .twelveFifty),
        [found, proven("processing", "settled", "settled")],
        .says(.settled, "12.5", "EUR")
    )

    static let processing = History("processing", .sample(.processing), [found], .says(.processing))

    static let failed = History("failed", .sample(.failed), [proven("pending", "failed", "failed")], .says(.failed))

    static let mismatched = History(
        "mismatched",
        .sample(.processing, .mismatch, expected: .twelveFifty),
        [found, proven("processing", "processing", "settled", attention: "mismatch")],
        .says(.settled, "12.49", "EUR")
    )

    static let abandoned = History(
        "abandoned",
        .sample(.abandoned),
        [said("pending", "abandoned")],
        .says(.processing)
    )

    /// The gateway said another amount, and an operator settled it all the same.
    static let resolved = given(up: "settled")

    /// An operator's verdict on a mismatch.
    static func given(up verdict: String) -> History {
        History(
            "\(verdict) by an operator",
            .sample(verdict == "settled" ? .settled : .failed, expected: .twelveFifty),
            [
                found, proven("processing", "processing", "settled", attention: "mismatch"),
                said("processing", verdict),
            ],
            .says(.settled, "12.49", "EUR")
        )
    }

    /// Settled, and its webhook dead: a change of attention after the final state, which no event reports.
    static let dead: History = {
        var history = failed
        var row = LedgerRow(sequence: 2, at: enqueued, from: "failed", to: "failed", actor: "refundd")
        row.attention = "undeliverable"
        history.history.ledger.append(row)
        history.history.refund.attention = .undeliverable
        history.history.webhooks[0].state = "dead"
        history.history.webhooks[0].nextAttemptAt = nil
        return History("dead webhook", history.history, .says(.failed))
    }()

    private init(_ name: String, _ history: RefundHistory, _ outcome: QueryOutcome) {
        testDescription = name
        self.history = history
        self.outcome = outcome
    }

    private init(_ name: String, _ refund: Refund, _ rows: [LedgerRow], _ outcome: QueryOutcome) {
        var refund = refund
        if case .report(let report, _) = outcome, !rows.isEmpty { refund.transaction = report.transaction }
        if let row = rows.last, row.to == "failed" {
            refund.failure =
                row.actor == "refundd"
                ? Failure(code: "closed", message: nil)
                : Failure(code: "resolved", message: "the bank confirmed it")
        }
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
            let (id, body) = ("msg_\(position)", Self.body(type, row, refund))
            history.events.append(
                LoggedEvent(position: position, at: row.at, subject: subject, webhookID: id, body: body)
            )
            var webhook = OutboxRow(
                id: id,
                refundID: 42,
                sequence: row.sequence,
                type: type,
                body: body,
                position: position,
                url: "https://hooks.example/in",
                endpoint: "hooks.example"
            )
            let isOvertaken = index + 1 < rows.count
            webhook.state = isOvertaken ? "superseded" : "pending"
            webhook.nextAttemptAt = isOvertaken ? nil : 5
            history.webhooks.append(webhook)
        }
        self.init(name, history, outcome)
    }

    private static func body(_ type: String, _ row: LedgerRow, _ refund: Refund) -> [UInt8] {
        var refund = refund
        if row.response == [0] { refund.transaction = GatewayTransaction(status: 0) }
        let transition = Transition(
            at: row.at,
            from: RefundState(rawValue: row.from) ?? .pending,
            to: RefundState(rawValue: row.to) ?? .pending,
            attention: row.attention.flatMap(Attention.init(rawValue:)),
            reason: row.reason,
            actor: row.actor
        )
        let type = EventType(rawValue: type) ?? .processing
        return Array(
            EventBody.refund(type, transition, sequence: Int(row.sequence), refund, merchantNo: "3121").utf8
        )
    }

    private static let found: LedgerRow = {
        var row = proven("pending", "processing", "processing")
        row.response = [0]
        return row
    }()

    private static func proven(
        _ from: String,
        _ to: String,
        _ verdict: String,
        attention: String? = nil
    ) -> LedgerRow {
        var row = LedgerRow(sequence: 1, at: enqueued, from: from, to: to, actor: "refundd")
        row.attention = attention
        row.verdict = verdict
        row.transStatus = GatewayVerdict(rawValue: verdict).map { Int64(GatewayReport($0).transaction.status) }
        (row.code, row.psn, row.response) = ("0", "P-1", [1])
        return row
    }

    private static func said(_ from: String, _ to: String) -> LedgerRow {
        var row = LedgerRow(sequence: 1, at: enqueued, from: from, to: to, actor: "alice")
        row.reason = "the bank confirmed it"
        return row
    }
}
