import RefundCore
import Testing

@testable import RefundSimulator

struct FaultTests {
    private func reply(_ fault: Fault) throws -> Reply {
        try TestGateway(changed { $0.fault = fault }).reply(to: TestQuery().signed())
    }

    private func answer(_ fault: Fault) throws -> TestAnswer {
        try TestAnswer(reply(fault))
    }

    @Test(arguments: [Fault.wrongSignature, .unsigned, .emptySign])
    func signatureIsSpoilt(fault: Fault) throws {
        let answer = try answer(fault)
        #expect(answer.code == "0")
        #expect(!answer.isSigned)
        let sign = answer.members["sign"]?.text
        switch fault {
        case .unsigned: #expect(sign == nil)
        case .emptySign: #expect(sign == "")
        default: #expect(sign?.count == 344)
        }
    }

    @Test
    func answerIsAboutAnotherRefund() throws {
        let answer = try answer(.otherOrder)
        #expect(answer.isSigned)
        #expect(try answer.data()["merchant_order_no"] != .string("R-1"))
        #expect(try answer.data()["trans_no"] != TestGateway().answer().data()["trans_no"])
    }

    @Test
    func statusIsOneThatNobodyKnows() throws {
        let answer = try answer(.unknownStatus)
        #expect(answer.isSigned)
        #expect(try answer.data()["trans_status"] == .number("7"))
    }

    @Test(arguments: [(Fault.http429, 429), (.http503, 503), (.html, 200)])
    func pageTakesThePlaceOfAnAnswer(fault: Fault, expected: Int) throws {
        guard case .answer(expected, "text/html", let body) = try reply(fault) else {
            Issue.record("not a page")
            return
        }
        #expect(String(decoding: body, as: UTF8.self).hasPrefix("<html>"))
    }

    @Test(arguments: [
        (Fault.notJSON, "expected an object"), (.notUTF8, "not UTF-8"), (.duplicateMember, "is repeated"),
    ])
    func bodyCannotBeRead(fault: Fault, problem: String) throws {
        guard case .answer(200, _, let body) = try reply(fault) else {
            Issue.record("not an answer")
            return
        }
        let error = #expect(throws: JSONError.self) { try JSONObject(parsing: body) }
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    }

    @Test
    func hugeAnswerIsRightlySigned() throws {
        guard case .answer(200, _, let body) = try reply(.huge) else {
            Issue.record("not an answer")
            return
        }
        #expect(body.count > 10_000_000)
        #expect(try TestAnswer(body).isSigned)
    }

    @Test
    func credentialsAreRefused() throws {
        #expect(try answer(.credentials).code == "SYS002")
        #expect(try !answer(.credentials).isSigned)
        #expect(try answer(.notAuthorised).code == "E07303")
        #expect(try answer(.notAuthorised).isSigned)
    }

    @Test(arguments: [(Fault.close, Reply.close), (.reset, .reset), (.hang, .hang)])
    func connectionIsSpoilt(fault: Fault, expected: Reply) throws {
        #expect(try reply(fault) == expected)
    }

    @Test
    func truncatedAnswerIsCutFromARightOne() throws {
        guard case .truncated(let body) = try reply(.truncated) else {
            Issue.record("not truncated")
            return
        }
        #expect(try TestAnswer(body).isSigned)
    }
}
