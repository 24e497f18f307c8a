/// Checks that the events report the changes in the ledger, each once and in order, and that a refund is delayed.
///
/// The check rebuilds each body from its ledger row, the stored answer and the refund, and compares it byte for byte.
/// It takes from the body itself what the database does not keep: the configured merchant number, the metadata, and,
/// for a change that neither ends the refund nor has an answer, the gateway's last report and the number of attempts.
package struct EventCheck: Sendable {
    /// The problems found, one sentence each.
    package private(set) var problems: [String] = []
    private let refund: Refund
    private let reports: [Int64: GatewayReport]

    /// Checks the events of one refund.
    ///
    /// - Parameters:
    ///   - history: The history.
    ///   - reports: The reports in the stored answers, by the sequence of their rows.
    init(_ history: RefundHistory, _ reports: [Int64: GatewayReport]) {
        refund = history.refund
        self.reports = reports
        var expected = Self.expected(by: history)
        var (last, delays): (Int64, Int) = (0, 0)
        for event in history.events {
            let sequence = event.subject.sequence ?? 0
            if event.subject.type == EventType.delayed.rawValue {
                delays += 1
                check(delayed: event, history.ledger, last)
                last = max(last, sequence)
                continue
            }
            if sequence <= last {
                note("event \(event.position) reports row \(sequence) after an event of row \(last)")
            }
            last = max(last, sequence)
            guard let (type, row) = expected.removeValue(forKey: sequence) else {
                note("event \(event.position) (\(event.subject.type)) reports no row of its ledger")
                continue
            }
            check(event, type, row)
        }
        if delays > 1 { note("\(delays) events report that it is delayed") }
        if delays > 0, !refund.notified.contains(.delayed) {
            note("an event reports that it is delayed, and its row does not say so")
        }
        for (sequence, missing) in expected.sorted(by: { $0.key < $1.key }) {
            note("row \(sequence) of its ledger has no event \(missing.type.rawValue)")
        }
    }

    /// Checks the event of a gateway, the only record of its incident.
    package init(ofGateway event: LoggedEvent) {
        refund = Refund(id: 0, createdAt: event.at)
        reports = [:]
        let recorded = RecordedEvent(event.body)
        let incident = GatewayIncident(
            kind: recorded?.text("attention").flatMap(GatewayIncident.Kind.init(rawValue:)) ?? .misconfigured,
            code: recorded?.text("code") ?? "",
            message: recorded?.text("message") ?? "",
            isVerified: false,
            since: event.at
        )
        compare(event, recorded, with: EventBody.gateway(recorded?.text("gateway") ?? "", incident))
        if event.subject.type != EventType.gatewayNeedsAttention.rawValue {
            note("event \(event.position) is \(event.subject.type) and names no refund")
        }
    }

    private mutating func note(_ problem: String) {
        problems.append(problem)
    }

    // The ledger alone determines which changes have an event, except that the event of one refund of a refused merchant
    // covers all others.
    private static func expected(by history: RefundHistory) -> [Int64: (type: EventType, row: LedgerRow)] {
        var expected: [Int64: (type: EventType, row: LedgerRow)] = [:]
        var notified: Set<Attention> = []
        let changes = history.events.filter { $0.subject.type != EventType.delayed.rawValue }
        let reported = Set(changes.compactMap(\.subject.sequence))
        for row in history.ledger where !row.isRefusal || reported.contains(row.sequence) {
            let attention = row.attention.flatMap(Attention.init(rawValue:)).flatMap { $0.emitsEvent ? $0 : nil }
            let isFirstTime = attention.map { notified.insert($0).inserted } ?? false
            if let type = row.finalState?.event ?? (row.isFound ? .processing : isFirstTime ? .needsAttention : nil) {
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
        guard !isPruned(event) else { return }
        let recorded = RecordedEvent(event.body)
        guard let body = body(type, row, recorded) else { return }
        compare(event, recorded, with: body)
    }

    private mutating func isPruned(_ event: LoggedEvent) -> Bool {
        guard event.isPruned else { return false }
        if !refund.state.isFinal { note("the body of event \(event.position) was pruned before the refund ended") }
        if !event.body.isEmpty { note("event \(event.position) is pruned and has a body") }
        return true
    }

    // It reports no row of the ledger: it has the sequence, state and attention of the last row before it.
    private mutating func check(delayed event: LoggedEvent, _ ledger: [LedgerRow], _ last: Int64) {
        let sequence = event.subject.sequence ?? 0
        let row = ledger.last { $0.sequence <= sequence }
        if sequence < last {
            note("event \(event.position) follows row \(sequence) after an event of row \(last)")
        }
        guard (row?.sequence ?? 0) == sequence else {
            return note("event \(event.position) (refund.delayed) follows no row of its ledger")
        }
        let state = row.map { RefundState(rawValue: $0.to) } ?? .pending
        guard let state, !state.isFinal, event.subject.state == state.rawValue else {
            return note("event \(event.position) (refund.delayed) has another state than its ledger")
        }
        guard !isPruned(event) else { return }
        let recorded = RecordedEvent(event.body)
        var refund = refund
        refund.state = state
        refund.attention = row?.attention.flatMap(Attention.init(rawValue:))
        refund.transaction = recorded?.transaction
        refund.attempts = recorded?.number("attempts") ?? 0
        refund.metadata = recorded?.metadata(row: refund.metadata)
        let body = EventBody.delayed(
            refund,
            reason: recorded?.text("reason"),
            sequence: Int(clamping: sequence),
            at: event.at,
            merchantNo: refund.merchantNo ?? recorded?.text("merchant_no")
        )
        compare(event, recorded, with: body)
    }

    /// The body that refundd writes for the row, or nil if the row itself is wrong.
    private func body(_ type: EventType, _ row: LedgerRow, _ recorded: RecordedEvent?) -> String? {
        guard let from = RefundState(rawValue: row.from), let to = RefundState(rawValue: row.to) else { return nil }
        var refund = refund
        if let report = reports[row.sequence] {
            refund.transaction = report.transaction
        } else if row.finalState == nil || row.isByRefundd {
            refund.transaction = recorded?.transaction
        }
        if row.finalState == nil { refund.attempts = recorded?.number("attempts") ?? 0 }
        // An answer that cannot be read is a problem of the ledger; its event is compared with the refund's columns.
        if row.to != RefundState.failed.rawValue || !row.isByRefundd || reports[row.sequence] != nil {
            refund.failure = row.failure(reports)
        }
        refund.metadata = recorded?.metadata(row: refund.metadata)
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
            merchantNo: refund.merchantNo ?? recorded?.text("merchant_no")
        )
    }

    private mutating func compare(_ event: LoggedEvent, _ recorded: RecordedEvent?, with body: String) {
        guard !event.body.elementsEqual(body.utf8) else { return }
        guard let recorded, let expected = RecordedEvent(Array(body.utf8)) else {
            return note("the body of event \(event.position) was not written by refundd")
        }
        let differing = expected.data.members.filter { recorded.data[$0.name] != $0.value }.map(\.name)
        guard !differing.isEmpty else {
            return note("the body of event \(event.position) is not formatted as refundd formats it")
        }
        let names = differing.joined(separator: ", ")
        note("event \(event.position) differs from the ledger, its answer and the refund in \(names)")
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
