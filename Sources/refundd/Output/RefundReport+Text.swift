import RefundCore
import RefundDaemon
import RefundStore

extension RefundReport {
    // A receiver's answer gives its reason in its first words.
    private static let answerLength = 400
    private static let indent = "    "

    /// The report as lines for a terminal.
    func lines(width: Int) -> [Line] {
        var lines = "Refund #\(refund.id)  \(refund.number)  \(refund.state.rawValue)".folded(to: width)
            .map { Line($0, .heading) }
        lines += attention(width) + unknownOrder(width)
        lines += facts.lines(width: width)
        lines += [Line(""), Line("History", .heading)]
        for (_, (at, entry)) in history.enumerated().sorted(by: { ($0.1.at, $0.0) < ($1.1.at, $1.0) }) {
            let head = "  \(at.iso8601)  "
            let isNarrow = width < head.count + 24
            let first = entry[0].wrapped(to: width - (isNarrow ? Self.indent.count : head.count))
            if isNarrow { lines.append(Line(head.trimmingEnd)) }
            lines += first.enumerated().map { index, text in
                Line((isNarrow ? Self.indent : index == 0 ? head : String(repeating: " ", count: head.count)) + text)
            }
            for text in entry.dropFirst() {
                lines += text.wrapped(to: width - Self.indent.count).map { Line(Self.indent + $0) }
            }
        }
        return lines
    }

    private func attention(_ width: Int) -> [Line] {
        guard let attention = refund.attention, let advice else { return [] }
        let since = attentionSince.map { ", for \(now.duration(since: $0).rounded) (since \($0.iso8601Seconds))" } ?? ""
        return "NEEDS ATTENTION: \(attention.rawValue)\(since)".folded(to: width).map { Line($0, .bad) }
            + advice.text.wrapped(to: width - 2).map { Line("  \($0)") }
            + advice.commands.map { Line("  run: \($0)") } + [Line("")]
    }

    private var facts: FactTable {
        var facts = FactTable()
        let transaction = refund.transaction
        facts.add("gateway", refund.gateway)
        facts.add("merchant_no", refund.merchantNo ?? configuredMerchantNo.map { "\($0) (the configuration's)" })
        facts.add("merchant_order_no", refund.merchantOrderNo)
        facts.add("trans_no", refund.transNo ?? transaction?.transNo)
        if let own = refund.transNo, let theirs = transaction?.transNo, own != theirs {
            facts.add("trans_no (gateway)", theirs)
        }
        facts.add("orig_trans_no", transaction?.origTransNo.map { "\($0) (the refunded payment)" })
        facts.add("pay_channel_trans_no", transaction?.payChannelTransNo.map { "\($0) (for the customer's bank)" })
        facts.add("expected", refund.expected?.text)
        facts.add("the gateway reports", reported)
        facts.add("transaction ended", transaction?.endAt?.relative(to: now))
        facts.add("failure", refund.failure?.text)
        facts.add("enqueued", refund.createdAt.relative(to: now))
        let last = refund.lastQueryAt.map { ", the last \($0.relative(to: now))" } ?? ""
        facts.add("queries", "\(refund.attempts.grouped)\(last)")
        facts.add("last query", refund.lastError)
        facts.add("next query", nextQuery.sentence(at: now))
        facts.add("callback_url", refund.callbackURL)
        facts.add("metadata", refund.metadata)
        return facts
    }

    private var reported: String? {
        guard let transaction = refund.transaction else { return nil }
        return (refund.reported.map { "\($0), " } ?? "") + "trans_status \(transaction.status)"
    }

    private var history: [(at: Timestamp, lines: [String])] {
        var history = [(at: refund.createdAt, lines: ["enqueued"])]
        for row in ledger {
            let reports = webhooks.filter { $0.row.sequence == row.sequence }
            history.append((row.at, lines(of: row) + reports.flatMap(lines(of:))))
        }
        for action in actions {
            let webhook = action.webhookID.map { " \($0)" } ?? ""
            history.append((action.at, ["\(action.action)\(webhook) by \(action.actor)"]))
        }
        return history
    }

    private func lines(of row: LedgerRow) -> [String] {
        var what = row.from == row.to ? row.to : "\(row.from) -> \(row.to)"
        if let attention = row.attention { what += ", needs attention: \(attention)" }
        let causes = row.causes.isEmpty ? nil : row.causes.joined(separator: ", ")
        return [what, causes, row.reason].compactMap(\.self)
    }

    private func lines(of webhook: Webhook) -> [String] {
        let row = webhook.row
        var lines = ["webhook \(row.type) \(row.state), \(row.id)", "to \(row.url)"]
        for attempt in webhook.attempts {
            let outcome = attempt.error?.asClause ?? "HTTP " + (attempt.status.map { "\($0)" } ?? "?")
            let duration = attempt.durationMilliseconds.map { "\($0)" } ?? "?"
            lines.append("\(attempt.at.iso8601)  \(outcome), \(duration) ms\(answer(to: attempt))")
        }
        if let time = row.prunedAt { lines.append("body and attempts pruned on \(time.iso8601Seconds)") }
        if webhook.attempts.isEmpty, let error = row.lastError { lines.append(error) }
        if let next = webhook.nextAttempt.sentence(at: now) { lines.append("next attempt \(next)") }
        return lines
    }

    // The receiver's own words; a success needs no explanation.
    private func answer(to attempt: AttemptRow) -> String {
        guard attempt.error != nil, let answer = attempt.answer, !answer.isEmpty else { return "" }
        let text = String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return text.isEmpty ? "" : "; it answered: \(text.sanitized(maxLength: Self.answerLength))"
    }
}

extension Refund {
    /// Whether its gateway does not know the refund's number, and nobody has been told yet.
    var mayBeMistyped: Bool { isUnknownOrder && state == .pending && attention == nil }
}

extension RefundReport {
    /// What to do about a number that the gateway does not know, long before it needs attention.
    func unknownOrder(_ width: Int) -> [Line] {
        guard refund.mayBeMistyped else { return [] }
        let text =
            "The gateway does not know this number. If the refund was never submitted under it, abandon it here,"
            + " then enqueue the right one"
        return text.wrapped(to: width).map { Line($0, .warning) }
            + [Line("  run: refundd abandon \(refund.argument) --reason TEXT"), Line("")]
    }
}
