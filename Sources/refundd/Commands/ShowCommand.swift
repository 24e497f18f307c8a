import ArgumentParser
import RefundCore
import RefundDaemon
import RefundStore

struct ShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one refund with its ledger, webhooks and attempts."
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var selection: RefundSelection

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let record = try common.read { tx throws(StoreError) -> Result<RefundRecord, CommandFailure> in
                switch try selection.find(in: tx) {
                case .success(let refund): .success(try RefundRecord(of: refund, tx))
                case .failure(let failure): .failure(failure)
                }
            }.get()
            if json {
                printJSON(record.write)
            } else {
                for line in record.lines { printLine(line) }
            }
        }
    }
}

/// A refund with its whole history.
private struct RefundRecord {
    private static let indent = String(repeating: " ", count: 28)

    private let refund: Refund
    private let ledger: [LedgerRow]
    private var webhooks: [(row: WebhookRow, attempts: [AttemptRow])] = []
    private let actions: [ActionRow]

    init(of refund: Refund, _ tx: any QueueReader) throws(StoreError) {
        self.refund = refund
        ledger = try tx.ledger(refundID: refund.id)
        actions = try tx.actions(refundID: refund.id)
        for webhook in try tx.webhooks(refundID: refund.id) {
            webhooks.append((webhook, try tx.attempts(webhookID: webhook.id)))
        }
    }

    func write(to json: inout JSONWriter) {
        refund.write(to: &json, as: "refund")
        json.array("transitions") { json in
            for row in ledger { row.write(to: &json) }
        }
        json.array("webhooks") { json in
            for (webhook, _) in webhooks { webhook.write(to: &json) }
        }
    }

    /// The record as lines for a terminal.
    var lines: [String] {
        var history = [(at: refund.createdAt, lines: ["enqueued"])]
        for row in ledger {
            let reports = webhooks.filter { $0.row.sequence == row.sequence }
            history.append((row.at, self.lines(of: row) + reports.flatMap { self.lines(of: $0.row, $0.attempts) }))
        }
        for action in actions {
            let webhook = action.webhookID.map { " \($0)" } ?? ""
            history.append((action.at, ["\(action.action)\(webhook) by \(action.actor)"]))
        }
        var lines = heading + [""]
        for (_, (at, entry)) in history.enumerated().sorted(by: { ($0.1.at, $0.0) < ($1.1.at, $1.0) }) {
            lines.append("  \(at.iso8601)  \(entry[0])")
            lines += entry.dropFirst().map { Self.indent + $0 }
        }
        return lines + outlook
    }

    private var heading: [String] {
        var lines = [
            "Refund #\(refund.id)  \(refund.merchantOrderNo ?? refund.transNo ?? "")  \(refund.state.rawValue)"
        ]
        var facts = ["gateway \(refund.gateway)"]
        if let merchant = refund.merchantNo { facts.append("merchant \(merchant)") }
        if refund.merchantOrderNo != nil, let transNo = refund.transNo { facts.append("trans_no \(transNo)") }
        lines.append("  " + facts.joined(separator: ", "))
        if let expected = refund.expected { lines.append("  expected \(expected.text)") }
        if let amount = refund.reported { lines.append("  the gateway reports \(amount)") }
        if let failure = refund.failure { lines.append("  \(failure.text)") }
        if let attention = refund.attention { lines.append("  NEEDS ATTENTION: \(attention.rawValue)") }
        if let metadata = refund.metadata { lines.append("  metadata \(metadata)") }
        return lines
    }

    private func lines(of row: LedgerRow) -> [String] {
        var what = row.from == row.to ? row.to : "\(row.from) -> \(row.to)"
        if let attention = row.attention { what += ", needs attention: \(attention)" }
        var causes: [String] = []
        if let status = row.transStatus { causes.append("trans_status \(status)") }
        if let code = row.code, code != "0" { causes.append("code \(code)") }
        if let psn = row.psn { causes.append("psn \(psn)") }
        if row.response != nil { causes.append("signed answer stored") }
        if row.actor != Transition.refundd { causes.append("by \(row.actor)") }
        var lines = [what]
        if !causes.isEmpty { lines.append(causes.joined(separator: ", ")) }
        if let reason = row.reason { lines.append(reason) }
        return lines
    }

    private func lines(of webhook: WebhookRow, _ attempts: [AttemptRow]) -> [String] {
        var lines = ["webhook \(webhook.type) \(webhook.state), \(webhook.id)", "  to \(webhook.url)"]
        for attempt in attempts {
            let outcome = attempt.error ?? "HTTP " + (attempt.status.map { "\($0)" } ?? "?")
            let duration = attempt.durationMilliseconds.map { "\($0)" } ?? "?"
            lines.append("  \(attempt.at.iso8601)  \(outcome), \(duration) ms")
        }
        if attempts.isEmpty, let error = webhook.lastError { lines.append("  \(error)") }
        if webhook.state == WebhookState.pending.rawValue, let next = webhook.nextAttemptAt {
            lines.append("  next attempt \(next.iso8601)")
        }
        return lines
    }

    private var outlook: [String] {
        var queries = "  \(refund.attempts) \(refund.attempts == 1 ? "query" : "queries")"
        if let last = refund.lastQueryAt { queries += ", the last at \(last.iso8601)" }
        var lines = ["", queries]
        if let error = refund.lastError { lines.append("  last query: \(error)") }
        if let next = refund.nextQueryAt {
            lines.append("  next query " + (next.milliseconds == 0 ? "at once" : next.iso8601))
        }
        return lines
    }
}
