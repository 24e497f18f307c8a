/// Checks everything stored about a refund against refundd's promises about its ledger.
///
/// The check relies on the rows alone, not on the guards or the code that writes them, so it also finds what another
/// program wrote past the guards.
package struct LedgerCheck: Sendable {
    /// The problems found, one sentence each.
    package private(set) var problems: [String] = []
    /// Why stored answers do not verify, by the problem that reports it; a missing key is one cause for many answers.
    package private(set) var unverified: [String: String] = [:]
    /// The number of stored answers that were reread.
    package private(set) var answers = 0
    private var reports: [Int64: GatewayReport] = [:]

    /// Checks a history.
    ///
    /// - Parameters:
    ///   - history: The history.
    ///   - reread: Returns the report in a stored answer, after verifying its signature.
    ///   - endpoint: Returns the endpoint of a URL.
    package init(
        _ history: RefundHistory,
        reread: (_ answer: [UInt8], _ refund: Refund) -> QueryOutcome,
        endpoint: (_ url: String) -> String
    ) {
        var verdict: LedgerRow?
        var (state, attention) = (RefundState.pending.rawValue, String?.none)
        for (row, sequence) in zip(history.ledger, Int64(1)...) {
            if row.sequence != sequence { note("its ledger has row \(row.sequence) in place of row \(sequence)") }
            if row.from != state {
                note(row, "starts from state \(row.from), but the row before it ends in \(state)")
            }
            checkStep(row, after: verdict)
            checkOperator(row, attention)
            checkAnswer(row, of: history.refund, reread)
            if row.finalState != nil { verdict = row }
            (state, attention) = (row.to, row.attention)
        }
        let refund = history.refund
        if refund.state.rawValue != state {
            note("its state is \(refund.state.rawValue), but its ledger ends in \(state)")
        }
        if refund.attention?.rawValue != attention {
            note(
                "its attention is \(refund.attention?.rawValue ?? "null"), but its ledger ends in \(attention ?? "null")"
            )
        }
        checkFailure(of: refund, verdict)
        problems += EventCheck(history, reports).problems
        problems += OutboxCheck(events: history.events, webhooks: history.webhooks, endpoint: endpoint).problems
        checkDeadWebhooks(of: history, verdict)
    }

    private mutating func note(_ problem: String) {
        problems.append(problem)
    }

    private mutating func note(_ row: LedgerRow, _ problem: String) {
        problems.append("row \(row.sequence) of its ledger \(problem)")
    }

    // MARK: - States

    private mutating func checkStep(_ row: LedgerRow, after verdict: LedgerRow?) {
        guard let to = RefundState(rawValue: row.to) else { return note(row, "has the unknown state \(row.to)") }
        if let attention = row.attention, Attention(rawValue: attention) == nil {
            note(row, "has the unknown attention \(attention)")
        }
        if row.actor.isEmpty { note(row, "has no actor") }
        if let verdict {
            if row.to != verdict.to { note(row, "leaves the final state \(verdict.to)") }
            if row.attention != nil, row.attention != Attention.undeliverable.rawValue {
                note(row, "has attention after the final state \(verdict.to)")
            }
        } else if to == .pending, row.from != row.to {
            note(row, "goes back to pending")
        }
        guard row.finalState != nil else { return }
        if row.attention != nil { note(row, "ends the refund and has attention") }
        if row.isByRefundd, to == .abandoned { note(row, "abandons the refund without an operator") }
    }

    // Operators only end refunds, and settle or fail only those that need attention.
    private mutating func checkOperator(_ row: LedgerRow, _ attention: String?) {
        guard !row.isByRefundd else { return }
        guard let verdict = row.finalState else {
            return note(row, "is by \(row.actor), but operators only end refunds")
        }
        if row.reason ?? "" == "" { note(row, "is the verdict of \(row.actor) without a reason") }
        if verdict != .abandoned, attention == nil {
            note(row, "is the verdict of \(row.actor) on a refund that needed no attention")
        }
    }

    // A final state clears the attention for earlier dead webhooks; later ones need attention again.
    private mutating func checkDeadWebhooks(of history: RefundHistory, _ verdict: LedgerRow?) {
        guard history.refund.attention == nil else { return }
        for webhook in history.webhooks where webhook.state == "dead" {
            if webhook.sequence ?? 0 < verdict?.sequence ?? 0 { continue }
            note("webhook \(webhook.id) is dead, but the refund has no attention")
        }
    }

    // MARK: - Answers

    private mutating func checkAnswer(
        _ row: LedgerRow,
        of refund: Refund,
        _ reread: ([UInt8], Refund) -> QueryOutcome
    ) {
        guard let response = row.response else {
            if row.from != row.to, row.to != RefundState.abandoned.rawValue, row.isByRefundd || row.finalState == nil {
                note(row, "enters \(row.to) without an answer of the gateway")
            }
            return
        }
        answers += 1
        let outcome = reread(response, refund)
        switch outcome {
        case .report(let report, let evidence):
            reports[row.sequence] = report
            checkCopies(row, evidence, report)
            checkVerdict(row, report, refund)
        case .notFound(_, let evidence):
            checkCopies(row, evidence, nil)
            if row.from != row.to { note(row, "enters \(row.to), but its answer says that there is no such order") }
        case .inconclusive, .credentialsRefused, .unverified, .slowedDown, .unreachable:
            note(row, "has an answer that does not prove it: \(outcome.problem ?? "")")
            if case .unverified(let reason, _) = outcome, let problem = problems.last { unverified[problem] = reason }
        }
    }

    private mutating func checkCopies(_ row: LedgerRow, _ evidence: Evidence, _ report: GatewayReport?) {
        let said = report.map { Int64($0.transaction.status) }
        if row.transStatus != said {
            note(row, "has trans_status \(row.transStatus.shown), but its answer has \(said.shown)")
        }
        let verdict = report?.verdict.rawValue
        if row.verdict != verdict { note(row, "has verdict \(row.verdict.shown), but its answer has \(verdict.shown)") }
        if row.code != evidence.code { note(row, "has code \(row.code.shown), but its answer has \(evidence.code)") }
        if row.psn != evidence.psn { note(row, "has psn \(row.psn.shown), but its answer has \(evidence.psn.shown)") }
    }

    private mutating func checkVerdict(_ row: LedgerRow, _ report: GatewayReport, _ refund: Refund) {
        guard row.isByRefundd else { return }
        let transaction = report.transaction
        let difference = refund.expected.flatMap(transaction.difference(from:))
        let verdict = report.verdict
        if row.isFound, verdict == .failed || verdict == .settled && difference == nil {
            note(row, "enters processing, but its answer has verdict \(verdict)")
        }
        guard let state = row.finalState else { return }
        if state.rawValue != verdict.rawValue { note(row, "enters \(row.to), but its answer has verdict \(verdict)") }
        if state == .settled, let difference { note(row, "settles the refund although \(difference)") }
        let wrong = refund.columns(thatDifferFrom: transaction)
        if !wrong.isEmpty {
            note("it differs from the answer of row \(row.sequence) in \(wrong.joined(separator: ", "))")
        }
    }

    private mutating func checkFailure(of refund: Refund, _ verdict: LedgerRow?) {
        var expected: Failure?
        if let verdict, verdict.to == RefundState.failed.rawValue {
            expected = verdict.failure(reports)
            if expected == nil { return }
        }
        if refund.failure != expected {
            note("its failure_code or failure_message differs from its ledger")
        }
    }
}

extension LedgerRow {
    /// The failure that a row records: from its answer, or in the operator's words.
    func failure(_ reports: [Int64: GatewayReport]) -> Failure? {
        isByRefundd ? reports[sequence]?.failure : Failure(resolvedBecause: reason ?? "")
    }
}

extension Refund {
    /// The columns of the queue that differ from a transaction.
    fileprivate func columns(thatDifferFrom said: GatewayTransaction) -> [String] {
        [
            ("trans_status", transaction?.status == said.status),
            ("trans_amount", transaction?.amount == said.amount),
            ("trans_currency", transaction?.currency == said.currency),
            ("trans_end_at", transaction?.endAt == said.endAt),
            ("gateway_trans_no", transaction?.transNo == said.transNo),
            ("orig_trans_no", transaction?.origTransNo == said.origTransNo),
            ("pay_channel_trans_no", transaction?.payChannelTransNo == said.payChannelTransNo),
        ].filter { !$0.1 }.map(\.0)
    }
}

extension Optional {
    fileprivate var shown: String { map { "\($0)" } ?? "none" }
}
