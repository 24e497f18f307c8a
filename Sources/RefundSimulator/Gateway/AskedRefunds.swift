import RefundCore
import RefundPayCloud
import Synchronization

/// What the simulator remembers of a refund that was asked for.
struct AskedRefund: Hashable {
    let number: RefundNumber
    let firstAskedAt: Timestamp
    var lastAskedAt: Timestamp
    /// The accepted queries so far.
    var queries = 0
    /// When a final status was told first.
    var endedAt: Timestamp?
    /// The status that was told last; nil while the refund is unknown.
    var status: TransStatus?
}

/// The refunds that were asked for so far, in memory.
final class AskedRefunds: Sendable {
    private struct State {
        var places: [RefundNumber: Int] = [:]
        var refunds: [AskedRefund] = []
    }

    private let state = Mutex(State())

    /// All refunds in the order in which they were first asked for.
    var all: [AskedRefund] {
        state.withLock { $0.refunds }
    }

    /// Counts an accepted query and moves the refund's story on.
    ///
    /// - Parameters:
    ///   - number: The number that is asked for.
    ///   - scenario: The refund's scenario.
    ///   - now: The time of the query.
    /// - Returns: What to answer, and the refund afterwards.
    func ask(
        _ number: RefundNumber,
        scenario: Scenario,
        at now: Timestamp
    ) -> (answer: ScriptedAnswer, refund: AskedRefund) {
        state.withLock { state in
            let place = state.places[number] ?? state.refunds.count
            if place == state.refunds.count {
                state.places[number] = place
                state.refunds.append(AskedRefund(number: number, firstAskedAt: now, lastAskedAt: now))
            }
            var refund = state.refunds[place]
            refund.queries += 1
            refund.lastAskedAt = now
            let elapsed = now.duration(since: refund.firstAskedAt)
            let answer = scenario.answer(at: Progress(queries: refund.queries, elapsed: elapsed))
            refund.status =
                switch answer.content {
                case .unknownRefund: nil
                case .status(let status): status
                }
            if refund.status == scenario.ending.status, refund.endedAt == nil { refund.endedAt = now }
            state.refunds[place] = refund
            return (answer, refund)
        }
    }

    /// The refunds as JSON: `{"refunds":[…]}`, in the order in which they were first asked for.
    var json: String {
        var json = JSONText()
        json.object { json in
            json.array("refunds") { json in
                for refund in all {
                    json.object { json in
                        json.number(of: refund.number)
                        json.number("queries", refund.queries)
                        json.number("first_asked_at", refund.firstAskedAt.milliseconds)
                        json.number("last_asked_at", refund.lastAskedAt.milliseconds)
                        json.number("trans_status", refund.status?.rawValue)
                    }
                }
            }
        }
        return json.text
    }
}

extension JSONText {
    /// Writes the two members that name a refund, one of them null.
    mutating func number(of number: RefundNumber?) {
        switch number {
        case .order(let text):
            string("merchant_order_no", text)
            string("trans_no", nil)
        case .trans(let text):
            string("merchant_order_no", nil)
            string("trans_no", text)
        case nil:
            string("merchant_order_no", nil)
            string("trans_no", nil)
        }
    }
}
