/// Checks that the events tell what the ledger says, each change once and in its order, and nothing else.
///
/// A body is written again from the row of the ledger, its answer and the refund, and must come out the same to the byte.
/// What the database does not keep is taken from the body: the merchant number of the configuration, the metadata, and,
/// for what did not end the refund and has no answer of its own, what the gateway had said last and the attempts so far.
package struct EventCheck: Sendable {
    /// What is wrong, a sentence each.
    package private(set) var problems: [String] = []
    private let refund: Refund
    private let reports: [Int64: GatewayReport]

    /// Checks the events of one refund.
    ///
    /// - Parameters:
    ///   - history: What was found.
    ///   - reports: What the stored answers say, by the sequence of their row.
    init(_ history: RefundHistory, _ reports: [Int64: GatewayReport]) {
        refund = history.refund
        self.reports = reports
        var expected = Self.expected(by: history.ledger)
        var last: Int64 = 0
        for event in history.events {
            let sequence = event.subject.sequence ?? 0
            if sequence <= last { note("event \(event.position) tells of row \(sequence) after one of row \(last)") }
            last = max(last, sequence)
            guard let (type, row) = expected.removeValue(forKey: sequence) else {
                note("event \(event.position) (\(event.subject.type)) tells of no row of its ledger")
                continue
            }
            check(event, type, row)
        }
        for (sequence, missing) in expected.sorted(by: { $0.key < $1.key }) {
            note("row \(sequence) of its ledger has no event \(missing.type.rawValue)")
        }
    }

    /// Checks the event of a gateway, of whose trouble nothing else is kept.
    package init(ofGateway event: LoggedEvent) {
        refund = Refund(id: 0, createdAt: event.at)
        reports = [:]
        let told = ToldEvent(event.body)
        let incident = GatewayIncident(
            kind: told?.text("attention").flatMap(GatewayIncident.Kind.init(rawValue:)) ?? .misconfigured,
            code: told?.text("code") ?? "",
            message: told?.text("message") ?? "",
            isVerified: false,
            since: event.at
        )
        compare(event, told, with: EventBody.gateway(told?.text("gateway") ?? "", incident))
        if event.subject.type != EventType.gatewayNeedsAttention.rawValue {
            note("event \(event.position) is \(event.subject.type) and names no refund")
        }
    }

    private mutating func note(_ problem: String) {
        problems.append(problem)
    }

    // Which changes are told is decided by the ledger alone.
    private static func expected(by ledger: [LedgerRow]) -> [Int64: (type: EventType, row: LedgerRow)] {
        var expected: [Int64: (type: EventType, row: LedgerRow)] = [:]
        var told: Set<Attention> = []
        for row in ledger {
            let attention = row.attention.flatMap(Attention.init(rawValue:)).flatMap { $0.isTold ? $0 : nil }
            let isNews = attention.map { told.insert($0).inserted } ?? false
            if let type = row.finalState?.event ?? (row.isFound ? .processing : isNews ? .needsAttention : nil) {
                expected[row.sequence] = (type, row)
            }
        }
        return expected
    }

    private mutating func check(_ event: LoggedEvent, _ type: EventType, _ row: LedgerRow) {
        if event.subject.type != type.rawValue {
            note("event \(event.position) is \(event.subject.type), row \(row.sequence) is \(type.rawValue)")
        }
        if event.subject.state != row.to {
            note(
                "event \(event.position) has state \(event.subject.state ?? "none"), row \(row.sequence) has \(row.to)"
            )
        }
        if event.at != row.at {
            note("event \(event.position) is of \(event.at.iso8601), row \(row.sequence) of \(row.at.iso8601)")
        }
        let told = ToldEvent(event.body)
        guard let body = body(type, row, told) else { return }
        compare(event, told, with: body)
    }

    /// The body as refundd writes it, or nil for a row that is itself wrong.
    private func body(_ type: EventType, _ row: LedgerRow, _ told: ToldEvent?) -> String? {
        guard let from = RefundState(rawValue: row.from), let to = RefundState(rawValue: row.to) else { return nil }
        var refund = refund
        if let report = reports[row.sequence] {
            refund.transaction = report.transaction
        } else if row.finalState == nil || row.isByRefundd {
            refund.transaction = told?.transaction
        }
        if row.finalState == nil { refund.attempts = told?.number("attempts") ?? 0 }
        refund.failure = row.failure(reports)
        refund.metadata = told?.metadata(row: refund.metadata)
        let transition = Transition(
            at: row.at,
            from: from,
            to: to,
            attention: row.attention.flatMap(Attention.init(rawValue:)),
            reason: row.reason,
            actor: row.actor
        )
        return EventBody.refund(
            type,
            transition,
            sequence: Int(clamping: row.sequence),
            refund,
            merchantNo: refund.merchantNo ?? told?.text("merchant_no")
        )
    }

    private mutating func compare(_ event: LoggedEvent, _ told: ToldEvent?, with body: String) {
        guard !event.body.elementsEqual(body.utf8) else { return }
        guard let told, let expected = ToldEvent(Array(body.utf8)) else {
            return note("the body of event \(event.position) is none that refundd writes")
        }
        let differing = expected.data.members.filter { told.data[$0.name] != $0.value }.map(\.name)
        guard !differing.isEmpty else {
            return note("the body of event \(event.position) is not written as refundd writes it")
        }
        let names = differing.joined(separator: ", ")
        note("event \(event.position) tells another \(names) than the ledger, its answer and the refund")
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
