import RefundCore
import RefundPayCloud
import Synchronization

/// A refund that was queried at least once.
struct QueriedRefund: Hashable {
    let number: RefundNumber
    let firstQueriedAt: Timestamp
    var lastQueriedAt: Timestamp
    /// The number of accepted queries.
    var queries = 0
    /// When a query was first answered with the final status.
    var endedAt: Timestamp?
    /// The status in the last answer; nil while the refund is unknown.
    var status: TransStatus?
}

/// The refunds that were queried so far, kept in memory.
final class QueriedRefunds: Sendable {
    private struct State {
        var places: [RefundNumber: Int] = [:]
        var refunds: [QueriedRefund] = []
    }

    private let state = Mutex(State())

    /// All refunds in the order of their first queries.
    var all: [QueriedRefund] {
        state.withLock { $0.refunds }
    }

    /// Counts an accepted query and advances the refund's scenario.
    ///
    /// - Parameters:
    ///   - number: The number in the query.
    ///   - scenario: The refund's scenario.
    ///   - now: The time of the query.
    /// - Returns: The answer, and the refund after it.
    func ask(
        _ number: RefundNumber,
        scenario: Scenario,
        at now: Timestamp
    ) -> (answer: ScriptedAnswer, refund: QueriedRefund) {
        state.withLock { state in
            let place = state.places[number] ?? state.refunds.count
            if place == state.refunds.count {
                state.places[number] = place
                state.refunds.append(QueriedRefund(number: number, firstQueriedAt: now, lastQueriedAt: now))
            }
            var refund = state.refunds[place]
            refund.queries += 1
            refund.lastQueriedAt = now
            let elapsed = now.duration(since: refund.firstQueriedAt)
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

    /// The refunds as JSON, `{"refunds":[…]}`, in the order of their first queries.
    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.array("refunds") { json in
                for refund in all {
                    json.object { json in
                        json.number(of: refund.number)
                        json.number("queries", refund.queries)
                        json.number("first_asked_at", refund.firstQueriedAt.milliseconds)
                        json.number("last_asked_at", refund.lastQueriedAt.milliseconds)
                        json.number("trans_status", refund.status?.rawValue)
                    }
                }
            }
        }
        return json.text
    }
}

extension JSONWriter {
    /// Writes both members that can identify a refund; at least one is null.
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
