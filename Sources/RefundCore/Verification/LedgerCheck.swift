/// Checks what was written about a refund against everything that refundd promises of its ledger.
///
/// The check knows no guard and no code that writes: it goes by the rows alone, so it also finds what a program wrote
/// that got past the guards.
public struct LedgerCheck: Sendable {
    /// What is wrong, a sentence each.
    public private(set) var problems: [String] = []
    /// How many stored answers were read again.
    public private(set) var answers = 0

    /// Checks a history.
    ///
    /// - Parameters:
    ///   - history: What was found.
    ///   - reread: Tells what a stored answer says when it is taken for an answer about this refund, its signature
    ///     checked.
    public init(_ history: RefundHistory, reread: (_ answer: [UInt8], _ refund: Refund) -> QueryOutcome) {
        var verdict: LedgerRow?
        var (state, attention) = (RefundState.pending.rawValue, String?.none)
        for (row, sequence) in zip(history.ledger, Int64(1)...) {
            if row.sequence != sequence { note("its ledger has row \(row.sequence) where row \(sequence) belongs") }
            if row.from != state {
                note(row, "goes on from state \(row.from), the one before it ended with \(state)")
            }
            checkStep(row, after: verdict)
            checkAnswer(row, of: history.refund, reread)
            if row.verdict != nil { verdict = row }
            (state, attention) = (row.to, row.attention)
        }
        let refund = history.refund
        if refund.state.rawValue != state {
            note("its state is \(refund.state.rawValue), its ledger ends with \(state)")
        }
        if refund.attention?.rawValue != attention {
            note(
                "its attention is \(refund.attention?.rawValue ?? "null"), its ledger ends with \(attention ?? "null")"
            )
        }
        checkEvents(of: history)
        problems += OutboxCheck(events: history.events, webhooks: history.webhooks).problems
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
        if row.actor.isEmpty { note(row, "names nobody who made the change") }
        if let verdict {
            if row.to != verdict.to { note(row, "leaves the final state \(verdict.to)") }
            if row.attention != nil, row.attention != Attention.undeliverable.rawValue {
                note(row, "asks for attention after the final state \(verdict.to)")
            }
        } else if to == .pending, row.from != row.to {
            note(row, "goes back to pending")
        }
        guard row.verdict != nil else { return }
        if row.attention != nil { note(row, "ends the refund and asks for attention") }
        if row.isByRefundd {
            if to == .abandoned { note(row, "abandons the refund and names no person who did") }
        } else if row.reason ?? "" == "" {
            note(row, "is the verdict of \(row.actor) and gives no reason")
        }
    }

    // MARK: - Answers

    private mutating func checkAnswer(
        _ row: LedgerRow,
        of refund: Refund,
        _ reread: ([UInt8], Refund) -> QueryOutcome
    ) {
        guard let response = row.response else {
            if row.isByRefundd, row.from != row.to, row.to != RefundState.abandoned.rawValue {
                note(row, "goes to \(row.to) without an answer of the gateway")
            }
            return
        }
        answers += 1
        let outcome = reread(response, refund)
        switch outcome {
        case .report(let report, let evidence):
            checkCopies(row, evidence, report.status)
            checkVerdict(row, report, refund)
        case .notFound(_, let evidence):
            checkCopies(row, evidence, nil)
            if row.from != row.to { note(row, "goes to \(row.to), its answer says there is no such order") }
        case .inconclusive, .credentialsRefused, .unverified, .slowedDown, .unreachable:
            note(row, "has an answer that does not prove it: \(outcome.problem ?? "")")
        }
    }

    private mutating func checkCopies(_ row: LedgerRow, _ evidence: Evidence, _ status: TransStatus?) {
        let said = status.map { Int64($0.rawValue) }
        if row.transStatus != said {
            note(row, "has trans_status \(row.transStatus.shown), its answer has \(said.shown)")
        }
        if row.code != evidence.code { note(row, "has code \(row.code.shown), its answer has \(evidence.code)") }
        if row.psn != evidence.psn { note(row, "has psn \(row.psn.shown), its answer has \(evidence.psn.shown)") }
    }

    private mutating func checkVerdict(_ row: LedgerRow, _ report: GatewayReport, _ refund: Refund) {
        guard row.isByRefundd, let verdict = row.verdict else { return }
        let fits: Set<TransStatus> = verdict == .settled ? [.succeeded] : [.closed, .cancelled]
        if !fits.contains(report.status) {
            note(row, "goes to \(row.to), its answer has trans_status \(report.status.rawValue)")
        }
        if verdict == .settled, let difference = refund.expected.flatMap(report.difference(from:)) {
            note(row, "settles the refund although \(difference)")
        }
        if refund.report?.status != report.status || refund.report?.amount != report.amount
            || refund.report?.currency != report.currency
        {
            note("its trans_status, trans_amount or trans_currency is not what the answer of row \(row.sequence) says")
        }
    }

    // MARK: - Events

    // Which changes are told is decided by the ledger alone: each at most once, and each in its order.
    private mutating func checkEvents(of history: RefundHistory) {
        var expected: [Int64: (type: EventType, row: LedgerRow)] = [:]
        var told: Set<Attention> = []
        for row in history.ledger {
            let attention = row.attention.flatMap(Attention.init(rawValue:)).flatMap { $0.isTold ? $0 : nil }
            let isNews = attention.map { told.insert($0).inserted } ?? false
            guard let type = row.verdict?.event ?? (row.isFound ? .processing : isNews ? .needsAttention : nil) else {
                continue
            }
            expected[row.sequence] = (type, row)
        }
        var last: Int64 = 0
        for event in history.events {
            let sequence = event.subject.sequence ?? 0
            if sequence <= last { note("event \(event.position) tells of row \(sequence) after one of row \(last)") }
            last = max(last, sequence)
            guard let (type, row) = expected.removeValue(forKey: sequence) else {
                note("event \(event.position) (\(event.subject.type)) tells of no row of its ledger")
                continue
            }
            if event.subject.type != type.rawValue {
                note("event \(event.position) is \(event.subject.type), row \(sequence) is \(type.rawValue)")
            }
            if event.subject.state != row.to {
                note("event \(event.position) has state \(event.subject.state.shown), row \(sequence) has \(row.to)")
            }
        }
        for (sequence, missing) in expected.sorted(by: { $0.key < $1.key }) {
            note("row \(sequence) of its ledger has no event \(missing.type.rawValue)")
        }
    }
}

extension LedgerRow {
    /// Whether the gateway has confirmed by this row that it knows the refund.
    fileprivate var isFound: Bool {
        from == RefundState.pending.rawValue && to == RefundState.processing.rawValue
    }
}

extension RefundState {
    fileprivate var event: EventType? {
        switch self {
        case .pending, .processing: nil
        case .settled: .settled
        case .failed: .failed
        case .abandoned: .abandoned
        }
    }
}

extension Optional {
    fileprivate var shown: String { map { "\($0)" } ?? "none" }
}
