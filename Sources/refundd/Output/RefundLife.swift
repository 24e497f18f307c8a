import RefundCore
import RefundStoreSQLite

/// One refund with everything that happened to it.
struct RefundLife {
    private let refund: Record
    private let transitions: [Record]
    private let webhooks: [(webhook: Record, attempts: [Record])]
    private let actions: [Record]

    init(of refund: Record, _ tx: StoreTransaction) throws {
        self.refund = refund
        let id = refund.integer("id") ?? 0
        transitions = try tx.transitions(refundID: id)
        webhooks = try tx.webhooks(refundID: id).map { ($0, try tx.attempts(webhookID: $0.text("id") ?? "")) }
        actions = try tx.actions(refundID: id)
    }

    func write(to json: inout JSONText) {
        json.nested("refund", refund)
        json.array("transitions") { json in
            for transition in transitions { transition.write(to: &json) }
        }
        json.array("webhooks") { json in
            for (webhook, _) in webhooks { webhook.write(to: &json) }
        }
    }

    /// The refund's life as lines for a terminal.
    func lines() -> [String] {
        var lines = heading()
        lines += ["", "  \(time(refund, "created_at"))  enqueued"]
        for transition in transitions {
            lines.append(contentsOf: self.lines(of: transition))
            let sequence = transition.integer("sequence")
            for (webhook, attempts) in webhooks where webhook.integer("sequence") == sequence {
                lines += self.lines(of: webhook, attempts)
            }
        }
        for action in actions {
            let webhook = action.text("webhook_id").map { " \($0)" } ?? ""
            let what = "\(action.text("action") ?? "")\(webhook) by \(action.text("actor") ?? "")"
            lines.append("  \(time(action, "at"))  \(what)")
        }
        return lines + outlook()
    }

    private func heading() -> [String] {
        let name = refund.text("merchant_order_no") ?? refund.text("trans_no") ?? ""
        var lines = ["Refund #\(refund.text("id") ?? "")  \(name)  \(refund.text("state") ?? "")"]
        var facts = ["gateway \(refund.text("gateway") ?? "")"]
        if let merchant = refund.text("merchant_no") { facts.append("merchant \(merchant)") }
        if refund.text("merchant_order_no") != nil, let transNo = refund.text("trans_no") {
            facts.append("trans_no \(transNo)")
        }
        lines.append("  " + facts.joined(separator: ", "))
        if let amount = refund.text("expected_amount") {
            lines.append("  expected \(amount) \(refund.text("expected_currency") ?? "")")
        }
        if let amount = refund.text("trans_amount") {
            lines.append("  the gateway says \(amount) \(refund.text("trans_currency") ?? "")")
        }
        if let code = refund.text("failure_code") {
            lines.append("  failed: \(code)" + (refund.text("failure_message").map { ", \($0)" } ?? ""))
        }
        if let attention = refund.text("attention") { lines.append("  NEEDS ATTENTION: \(attention)") }
        if let metadata = refund.text("metadata") { lines.append("  metadata \(metadata)") }
        return lines
    }

    private func lines(of transition: Record) -> [String] {
        let (from, to) = (transition.text("from_state") ?? "", transition.text("to_state") ?? "")
        var what = from == to ? to : "\(from) -> \(to)"
        if let attention = transition.text("attention") { what += ", needs attention: \(attention)" }
        var causes: [String] = []
        if let status = transition.text("trans_status") { causes.append("trans_status \(status)") }
        if let code = transition.text("code"), code != "0" { causes.append("code \(code)") }
        if let psn = transition.text("psn") { causes.append("psn \(psn)") }
        if transition.text("response") != nil { causes.append("signed answer kept") }
        if let actor = transition.text("actor"), actor != "refundd" { causes.append("by \(actor)") }
        var lines = ["  \(time(transition, "at"))  \(what)"]
        let indent = String(repeating: " ", count: 28)
        if !causes.isEmpty { lines.append(indent + causes.joined(separator: ", ")) }
        if let reason = transition.text("reason") { lines.append(indent + reason) }
        return lines
    }

    private func lines(of webhook: Record, _ attempts: [Record]) -> [String] {
        let indent = String(repeating: " ", count: 28)
        let type = webhook.text("type") ?? ""
        var lines = ["\(indent)webhook \(type) \(webhook.text("state") ?? ""), \(webhook.text("id") ?? "")"]
        lines.append("\(indent)  to \(webhook.text("url") ?? "")")
        for attempt in attempts {
            let outcome = attempt.text("error") ?? "HTTP \(attempt.text("status") ?? "?")"
            lines.append("\(indent)  \(time(attempt, "at"))  \(outcome), \(attempt.text("duration_ms") ?? "?") ms")
        }
        if attempts.isEmpty, let error = webhook.text("last_error") { lines.append("\(indent)  \(error)") }
        if webhook.text("state") == "pending", webhook.integer("next_attempt_at") != nil {
            lines.append("\(indent)  next attempt \(time(webhook, "next_attempt_at"))")
        }
        return lines
    }

    private func outlook() -> [String] {
        let attempts = refund.integer("attempts") ?? 0
        var lines = ["", "  \(attempts) \(attempts == 1 ? "query" : "queries")"]
        if refund.integer("last_query_at") != nil { lines[1] += ", the last at \(time(refund, "last_query_at"))" }
        if let error = refund.text("last_error") { lines.append("  last query: \(error)") }
        if let next = refund.integer("next_query_at") {
            lines.append("  next query " + (next == 0 ? "at once" : time(refund, "next_query_at")))
        }
        return lines
    }

    private func time(_ record: Record, _ column: String) -> String {
        record.timestamp(column)?.iso8601 ?? "-"
    }
}

extension JSONText {
    fileprivate mutating func nested(_ name: String, _ record: Record) {
        var inner = JSONText()
        record.write(to: &inner)
        raw(name, inner.text)
    }
}
