import RefundCore
import Testing

@testable import RefundSimulator

struct GatewayTests {
    @Test(arguments: Scenario.DataForm.allCases)
    func answerVerifiesInBothForms(form: Scenario.DataForm) throws {
        let answer = try TestGateway(changed { $0.dataForm = form }).answer()
        #expect(answer.isSigned)
        #expect(answer.members.members.map(\.name) == ["code", "msg", "psn", "data", "sign"])
        switch (form, answer.members["data"]) {
        case (.text, .string), (.object, .object): break
        default: Issue.record("data has the wrong form: \(answer.members)")
        }
    }

    @Test
    func settledRefundHasItsMembers() throws {
        let gateway = try TestGateway(
            changed {
                $0.endsAt = .query(1)
                $0.amount = "12.50"
                $0.currency = "EUR"
                $0.transNo = "4112"
            }
        )
        let data = try gateway.answer().data()
        #expect(
            data.members.map(\.name) == [
                "trans_no", "orig_trans_no", "merchant_order_no", "trans_status", "price_currency", "order_amount",
                "trans_amount", "trans_fee_c", "vat_amount", "trans_end_time", "pay_channel_trans_no",
            ]
        )
        #expect(data["trans_no"] == .string("4112"))
        #expect(data["merchant_order_no"] == .string("R-1"))
        #expect(data["trans_status"] == .number("2"))
        #expect(data["trans_amount"] == .string("12.5"))
        #expect(data["price_currency"] == .string("EUR"))
        #expect(data["trans_end_time"] == .string("2025-11-24 16:00:00"))
    }

    @Test
    func failedRefundSaysWhy() throws {
        let data = try TestGateway().answer(to: TestQuery(.order("FAIL-1"))).data()
        #expect(data["trans_status"] == .number("1"))
        #expect(data["trans_error_code"] == .string("TS-D2012"))
        #expect(data["trans_error_msg"] == .string("insufficient funds"))
        #expect(data["trans_end_time"] == nil)
    }

    @Test(arguments: [("100.00", "100"), ("0.10", "0.1"), ("100", "100"), ("0", "0"), ("0.00", "0"), ("1.05", "1.05")])
    func amountHasNoTrailingZeros(amount: String, expected: String) throws {
        let data = try TestGateway(changed { $0.amount = amount }).answer().data()
        #expect(data["trans_amount"] == .string(expected))
        #expect(data["order_amount"] == .string(expected))
    }

    @Test
    func refundKeepsItsNumbersAndItsEnd() throws {
        let gateway = try TestGateway()
        var answers: [JSONObject] = []
        for seconds in 0..<3 {
            answers.append(try gateway.answer(at: TestQuery.now.advanced(by: .seconds(seconds))).data())
        }
        #expect(Set(answers.map { $0["trans_no"] }).count == 1)
        #expect(answers[0]["trans_end_time"] == nil)
        #expect(answers[1]["trans_end_time"] == .string("2025-11-24 16:00:01"))
        #expect(answers[2] == answers[1])

        var seeded = ScenarioBook()
        seeded.seed = 1
        #expect(try TestGateway().answer().data()["trans_no"] == answers[0]["trans_no"])
        #expect(try TestGateway(seeded).answer().data()["trans_no"] != answers[0]["trans_no"])
        #expect(try TestGateway().answer(to: TestQuery(.order("R-2"))).data()["trans_no"] != answers[0]["trans_no"])
    }

    @Test
    func queryByTransNoEchoesIt() throws {
        let gateway = try TestGateway()
        let data = try gateway.answer(to: TestQuery(.trans("411"))).data()
        #expect(data["trans_no"] == .string("411"))
        #expect(data["merchant_order_no"]?.text?.isEmpty == false)
        #expect(try TestGateway().answer(to: TestQuery(.trans("UNKNOWN-1"))).code == "E04110")
    }

    @Test
    func unknownRefundIsASignedErrorWithoutData() throws {
        let answer = try TestGateway().answer(to: TestQuery(.order("UNKNOWN-1")))
        #expect(answer.code == "E04111")
        #expect(answer.members["msg"]?.text?.hasPrefix("[E04111]") == true)
        #expect(answer.members["data"] == nil)
        #expect(answer.isSigned)
    }

    @Test
    func everyAnswerHasAPSNOfItsOwn() throws {
        let gateway = try TestGateway()
        let numbers = try (0..<20).map { _ in try gateway.answer().members["psn"]?.text }
        #expect(Set(numbers).count == 20)
    }

    @Test
    func refundsAreListedInTheOrderOfTheirFirstQuery() throws {
        let gateway = try TestGateway()
        _ = try gateway.answer(to: TestQuery(.order("B")))
        _ = try gateway.answer(to: TestQuery(.trans("A")))
        _ = try gateway.answer(to: TestQuery(.order("B")), at: TestQuery.now.advanced(by: .seconds(1)))
        #expect(
            gateway.gateway.refunds.json == """
                {"refunds":[{"merchant_order_no":"B","trans_no":null,"queries":2,"first_asked_at":1764000000000,\
                "last_asked_at":1764000001000,"trans_status":2},{"merchant_order_no":null,"trans_no":"A","queries":1,\
                "first_asked_at":1764000000000,"last_asked_at":1764000000000,"trans_status":0}]}
                """
        )
    }

    @Test
    func logLineTellsWhatWasAnswered() throws {
        let gateway = try TestGateway().gateway
        var record = try gateway.outcome(of: TestQuery().signed(), path: "/api/entry", now: TestQuery.now).record
        record.httpStatus = 200
        #expect(
            record.line == """
                {"at":1764000000000,"path":"/api/entry","merchant_order_no":"R-1","trans_no":null,\
                "verdict":"answered","http_status":200,"code":"0","trans_status":0,"fault":null,"queries":1}

                """
        )
        let refused = try gateway.outcome(of: TestQuery().unsigned(), path: "/api/entry", now: TestQuery.now).record
        #expect(refused.line.contains("\"merchant_order_no\":\"R-1\""))
        #expect(refused.line.contains("\"verdict\":\"refused\""))
        #expect(refused.line.contains("\"code\":\"SYS002\""))
        #expect(refused.line.contains("\"queries\":null"))
    }
}
