import RefundTestSupport
import Testing

@testable import RefundCore

struct EventBodyTests {
    private let at = Timestamp(milliseconds: 1_795_316_646_123)

    private func transition(_ change: Change, reason: String? = nil, actor: String = "refundd") -> Transition {
        Transition(
            at: at,
            from: change.from,
            to: change.to,
            attention: change.attention,
            reason: reason,
            transStatus: nil,
            evidence: nil,
            actor: actor,
            event: change.event
        )
    }

    private var settled: Refund {
        var refund = Refund(
            id: 42,
            merchantOrderNo: "R-1001",
            createdAt: Timestamp(milliseconds: 1_795_316_400_000)
        )
        refund.state = .settled
        refund.expected = Money(amount: "1200", currency: "JPY")
        refund.metadata = #"{"cart":"c-9"}"#
        refund.attempts = 7
        var transaction = GatewayReport(.settled, "1200", "JPY").transaction
        transaction.transNo = "41125"
        transaction.origTransNo = "41124"
        transaction.endAt = Timestamp(milliseconds: 1_795_316_645_000)
        transaction.payChannelTransNo = "CH-1"
        refund.transaction = transaction
        return refund
    }

    @Test func settledRefundIsReportedInFull() {
        let transition = transition(Change(.processing, .settled, nil, .settled))
        let body = EventBody.refund(.settled, transition, sequence: 2, settled, merchantNo: "312100007235")
        #expect(
            body == #"{"type":"refund.settled","timestamp":"2026-11-22T03:04:06.123Z","data":{"#
                + #""refund_id":42,"sequence":2,"gateway":"default","merchant_no":"312100007235","#
                + #""merchant_order_no":"R-1001","trans_no":"41125","orig_trans_no":"41124","#
                + #""state":"settled","previous_state":"processing","attention":null,"trans_status":2,"#
                + #""amount":"1200","currency":"JPY","expected_amount":"1200","expected_currency":"JPY","#
                + #""trans_end_time":"2026-11-22T03:04:05Z","pay_channel_trans_no":"CH-1","#
                + #""failure":null,"actor":"refundd","reason":null,"attempts":7,"#
                + #""enqueued_at":"2026-11-22T03:00:00.000Z","metadata":{"cart":"c-9"}}}"#
        )
    }

    @Test func whatIsNotKnownIsNullAndNeverLeftOut() {
        var refund = Refund(id: 1, gateway: "second", createdAt: Timestamp(milliseconds: 0))
        refund.transNo = "4112"
        let change = Change(.pending, .pending, .overdue, .needsAttention)
        let transition = transition(change, reason: "no verdict for 72h")
        let body = EventBody.refund(.needsAttention, transition, sequence: 1, refund, merchantNo: nil)
        #expect(
            body == #"{"type":"refund.needs_attention","timestamp":"2026-11-22T03:04:06.123Z","data":{"#
                + #""refund_id":1,"sequence":1,"gateway":"second","merchant_no":null,"#
                + #""merchant_order_no":null,"trans_no":"4112","orig_trans_no":null,"#
                + #""state":"pending","previous_state":"pending","attention":"overdue","trans_status":null,"#
                + #""amount":null,"currency":null,"expected_amount":null,"expected_currency":null,"#
                + #""trans_end_time":null,"pay_channel_trans_no":null,"failure":null,"actor":"refundd","#
                + #""reason":"no verdict for 72h","attempts":0,"enqueued_at":"1970-01-01T00:00:00.000Z","#
                + #""metadata":null}}"#
        )
    }

    @Test(arguments: [
        (
            Failure(code: "TS-D2012", message: "no \"funds\""),
            #""failure":{"code":"TS-D2012","message":"no \"funds\""}"#
        ),
        (Failure(code: "cancelled", message: nil), #""failure":{"code":"cancelled","message":null}"#),
    ])
    func failureIsReportedWithItsCode(failure: Failure, member: String) {
        var refund = settled
        refund.state = .failed
        refund.failure = failure
        let failed = transition(Change(.processing, .failed, nil, .failed))
        #expect(EventBody.refund(.failed, failed, sequence: 2, refund, merchantNo: nil).contains(member))
        let earlier = transition(Change(.pending, .processing, nil, .processing))
        #expect(
            EventBody.refund(.processing, earlier, sequence: 1, refund, merchantNo: nil).contains(#""failure":null"#)
        )
    }

    @Test func operatorsVerdictNamesTheOperatorAndTheReason() {
        let change = Change(.processing, .abandoned, nil, .abandoned)
        let abandoned = transition(change, reason: "entered twice", actor: "ada")
        let body = EventBody.refund(.abandoned, abandoned, sequence: 3, settled, merchantNo: nil)
        #expect(body.contains(#""state":"abandoned""#))
        #expect(body.contains(#""actor":"ada","reason":"entered twice""#))
    }

    @Test func rowsOwnNumberComesBeforeTheGateways() {
        var refund = settled
        refund.transNo = "ours"
        let transition = transition(Change(.processing, .settled, nil, .settled))
        let body = EventBody.refund(.settled, transition, sequence: 2, refund, merchantNo: nil)
        #expect(body.contains(#""trans_no":"ours""#))
    }

    @Test(arguments: [
        (#"{}"#, #"{}"#), (#"{ "a" : [1, {"b": null}] }"#, #"{ "a" : [1, {"b": null}] }"#),
        (#"{"a":1.00}"#, #"{"a":1.00}"#),
        ("[1]", #""[1]""#), ("{", #""{""#), (#"{a:1}"#, #""{a:1}""#), ("", #""""#), ("null", #""null""#),
        (#"{"a":1,"a":2}"#, #""{\"a\":1,\"a\":2}""#),
    ])
    func metadataIsEchoedAsWrittenAndTheBodyIsAlwaysJSON(metadata: String, echo: String) throws {
        var refund = settled
        refund.metadata = metadata
        let transition = transition(Change(.processing, .settled, nil, .settled))
        let body = EventBody.refund(.settled, transition, sequence: 2, refund, merchantNo: nil)
        #expect(body.hasSuffix("\"metadata\":\(echo)}}"))
        #expect(throws: Never.self) { try JSONObject(parsing: body) }
    }

    @Test func bodyIsThatOfItsOwnStep() {
        var machine = RefundStateMachine(.sample(expected: .twelveFifty))
        let transitions = machine.answered(.says(.settled, "1", "EUR"), age: .seconds(5))
        let bodies = transitions.enumerated().compactMap { index, transition in
            transition.event.map {
                EventBody.refund($0, transition, sequence: index + 1, machine.refund, merchantNo: nil)
            }
        }
        #expect(bodies.count == 2)
        #expect(
            bodies[0].contains(#""sequence":1"#) && bodies[0].contains(#""previous_state":"pending","attention":null"#)
        )
        #expect(bodies[1].contains(#""previous_state":"processing","attention":"mismatch""#))
        #expect(bodies[1].contains(#""reason":"the gateway says settled with 1 EUR, expected 12.50 EUR""#))
    }

    @Test func gatewaysEventHasNoMemberOfARefund() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "signature\nrefused",
            isVerified: true,
            since: at
        )
        #expect(
            EventBody.gateway("default", incident)
                == #"{"type":"gateway.needs_attention","timestamp":"2026-11-22T03:04:06.123Z","data":{"#
                + #""gateway":"default","attention":"misconfigured","code":"SYS002","#
                + #""message":"signature\nrefused","since":"2026-11-22T03:04:06.123Z"}}"#
        )
    }
}
