import RefundCore
import Testing

/// Every event on every state, reason, age and memory, against the rules written a second time as one table.
struct EveryEventTests {
    enum Event: CaseIterable {
        case processing, failed, settledMatching, settledDifferent, notFound
        case inconclusive, refused, unverified, unreachable, slowedDown
        case lacking, lackingNothing, aged, abandoned, resolvedSettled, resolvedFailed, webhookDead, noWebhookDead

        var outcome: QueryOutcome? {
            switch self {
            case .processing: .says(.processing)
            case .failed: .says(.failed)
            case .settledMatching: .says(.settled, "12.5", "EUR")
            case .settledDifferent: .says(.settled, "12.5", "USD")
            case .notFound: .unknownOrder
            case .inconclusive: QueryOutcome.fruitless[0]
            case .refused: QueryOutcome.fruitless[1]
            case .unverified: QueryOutcome.fruitless[3]
            case .unreachable: QueryOutcome.fruitless[4]
            case .slowedDown: QueryOutcome.fruitless[5]
            default: nil
            }
        }

        func happen(to machine: inout RefundStateMachine, at now: Timestamp) -> [Transition] {
            if let outcome { return machine.queryAnswered(outcome, sentAt: now, at: now, draw: 0.5) }
            switch self {
            case .lacking: return machine.checked(trouble: "no such gateway", at: now)
            case .lackingNothing: return machine.checked(trouble: nil, at: now)
            case .aged: return machine.aged(at: now)
            case .abandoned: return machine.abandoned(reason: "lost", actor: "ada", at: now)
            case .resolvedSettled: return machine.resolved(as: .settled, reason: "seen", actor: "ada", at: now)
            case .resolvedFailed: return machine.resolved(as: .failed, reason: "seen", actor: "ada", at: now)
            case .webhookDead: return machine.webhooksChanged(dead: 1, at: now)
            default: return machine.webhooksChanged(dead: 0, at: now)
            }
        }
    }

    private func graver(_ other: Attention?, than standing: Attention?) -> Attention? {
        (other?.gravity ?? 0) > (standing?.gravity ?? 0) ? other : standing
    }

    /// Where an event leads by the rules: the state and the reason for attention afterwards.
    private func end(_ refund: Refund, _ event: Event, isOld: Bool) -> (RefundState, Attention?) {
        let attention = refund.attention
        let state = refund.state
        switch event {
        case .webhookDead: return (state, graver(.undeliverable, than: attention))
        case .noWebhookDead: return (state, attention == .undeliverable ? nil : attention)
        case _ where state.isFinal: return (state, attention)
        case .failed: return (.failed, nil)
        case .settledMatching: return (.settled, nil)
        case .abandoned: return (.abandoned, nil)
        case .resolvedSettled: return attention == nil ? (state, nil) : (.settled, nil)
        case .resolvedFailed: return attention == nil ? (state, nil) : (.failed, nil)
        case .settledDifferent: return (.processing, .mismatch)
        case .processing:
            return (.processing, graver(isOld ? .overdue : nil, than: attention == .unknownOrder ? nil : attention))
        case .notFound: return (state, graver(isOld ? .unknownOrder : nil, than: attention))
        case .inconclusive, .refused, .unverified, .unreachable, .slowedDown:
            return (state, graver(isOld ? .overdue : nil, than: attention))
        case .lacking: return (state, graver(.misconfigured, than: attention))
        case .lackingNothing where attention != .misconfigured: return (state, attention)
        case .lackingNothing, .aged:
            let aged: Attention? = isOld ? (refund.isUnknownOrder ? .unknownOrder : .overdue) : nil
            return (state, graver(aged, than: event == .aged ? attention : nil))
        }
    }

    struct Circumstances: Hashable {
        var age: Duration
        var isUnknownOrder: Bool
        var isNotified: Bool

        static let all: [Circumstances] = {
            var all: [Circumstances] = []
            for age in [hour, hours(72), hours(2_000)] {
                for isUnknownOrder in [false, true] {
                    all.append(Circumstances(age: age, isUnknownOrder: isUnknownOrder, isNotified: false))
                    all.append(Circumstances(age: age, isUnknownOrder: isUnknownOrder, isNotified: true))
                }
            }
            return all
        }()
    }

    @Test(arguments: RefundState.allCases, Attention.reasonsAndNone)
    func everyEventLeadsWhereTheRulesSay(state: RefundState, attention: Attention?) {
        for circumstances in Circumstances.all {
            var before = Refund.sample(state, attention, expected: .twelveFifty)
            before.isUnknownOrder = circumstances.isUnknownOrder
            if circumstances.isNotified { before.notified = NotifiedReasons(rawValue: .max) }
            for event in Event.allCases {
                var machine = RefundStateMachine(before)
                let transitions = event.happen(to: &machine, at: enqueued.advanced(by: circumstances.age))
                let comment = "\(event), \(circumstances): \(transitions.changes)"
                let end = end(before, event, isOld: circumstances.age >= hours(72))
                #expect(machine.refund.state == end.0, "\(comment)")
                #expect(machine.refund.attention == end.1, "\(comment)")
                #expect(transitions.isEmpty == (end == (state, attention)), "\(comment)")
                expectChained(transitions, before, machine.refund, comment)
            }
        }
    }

    private func expectChained(_ transitions: [Transition], _ before: Refund, _ after: Refund, _ comment: String) {
        var state = before.state
        var attention = before.attention
        var notified = before.notified
        for transition in transitions {
            #expect(transition.from == state, "\(comment)")
            #expect(transition.to != state || transition.attention != attention, "a row without a change: \(comment)")
            #expect(transition.event == expectedEvent(transition, attention, &notified), "\(comment)")
            state = transition.to
            attention = transition.attention
        }
        #expect(state == after.state && attention == after.attention, "\(comment)")
        #expect(notified == after.notified, "\(comment)")
        #expect((after.nextQueryAt == nil) == after.state.isFinal, "\(comment)")
    }

    private func expectedEvent(
        _ transition: Transition,
        _ attention: Attention?,
        _ notified: inout NotifiedReasons
    ) -> EventType? {
        if transition.from != transition.to {
            switch transition.to {
            case .pending: return nil
            case .processing: return .processing
            case .settled: return .settled
            case .failed: return .failed
            case .abandoned: return .abandoned
            }
        }
        guard let raised = transition.attention, raised != attention, raised != .undeliverable else { return nil }
        return notified.insert(NotifiedReasons(raised)).inserted ? .needsAttention : nil
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func anySeriesOfEventsMakesOneChain(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var machine = RefundStateMachine(.sample(expected: .twelveFifty))
        var now = enqueued
        var ledger: [Transition] = []
        for _ in 0..<200 {
            let before = machine.refund
            now = now.advanced(by: .milliseconds(Int64.random(in: 0...20_000_000, using: &random)))
            // Verdicts are rare, or most series would be over at once.
            let events = Event.allCases.filter { event in
                ![.failed, .settledMatching, .abandoned, .resolvedSettled, .resolvedFailed].contains(event)
                    || Int.random(in: 0..<40, using: &random) == 0
            }
            let event = events.randomElement(using: &random) ?? .aged
            let transitions = event.happen(to: &machine, at: now)
            expectChained(transitions, before, machine.refund, "seed \(seed), \(event)")
            ledger += transitions
        }
        for (earlier, later) in zip(ledger, ledger.dropFirst()) {
            #expect(earlier.to == later.from)
            #expect(earlier.at <= later.at)
            #expect(!earlier.to.isFinal || later.to == earlier.to)
        }
        #expect(ledger.count { [.settled, .failed, .abandoned].contains($0.event) } <= 1)
        #expect(ledger.count { $0.event == .needsAttention } <= 4)
    }
}
