import RefundCore
import RefundCrypto
import RefundPayCloud
import RefundTestSupport
import Testing

struct VectorTests {
    private static let order = "TEST_REFUND_1735873100708"

    private func outcome(of vector: SigningVectors.SignedBody) throws -> QueryOutcome {
        let key = try #require(SigningVectors.key(named: vector.keyName))
        return GatewayAnswer.outcome(
            of: Array(vector.body.utf8),
            for: try query(order: Self.order),
            verifiedBy: [try RSAPublicKey(text: Array(key.publicBase64.utf8))]
        )
    }

    @Test func vectorsCoverEveryVerdict() {
        #expect(SigningVectors.responses.count == 14)
        let counts = Dictionary(grouping: SigningVectors.responses, by: \.expected).mapValues(\.count)
        #expect(counts == [.valid: 6, .unsigned: 3, .invalid: 5])
    }

    @Test(arguments: SigningVectors.responses.filter { $0.expected == .valid })
    func validResponseIsBelieved(vector: SigningVectors.SignedBody) throws {
        let outcome = try outcome(of: vector)
        let interpretation = try #require(vector.interpretation)
        #expect(outcome.evidence?.response == Array(vector.body.utf8))
        #expect(outcome.evidence?.psn == "1735873101000abcdef01")
        if let status = interpretation.transStatus {
            #expect(outcome.report?.transaction.status == status)
            #expect(outcome.evidence?.code == "0")
        } else {
            #expect(interpretation.outcome == "not-found-yet")
            #expect(outcome.kind == "not_found")
            #expect(outcome.evidence?.code == "E04111")
        }
    }

    @Test(arguments: SigningVectors.responses.filter { $0.expected != .valid })
    func noOtherResponseIsBelieved(vector: SigningVectors.SignedBody) throws {
        #expect(try outcome(of: vector).kind == "unverified")
    }

    @Test func fieldsOfTheSuccessAreRead() throws {
        let vector = try #require(SigningVectors.responses.first { $0.name == "response-success-data-string" })
        var expected = GatewayReport(.settled)
        expected.transaction.amount = "1"
        expected.transaction.currency = "JPY"
        expected.transaction.endAt = Timestamp(milliseconds: 1_735_873_101_000)
        expected.transaction.transNo = "41125010300000123457"
        expected.transaction.origTransNo = "41125010300000123456"
        expected.transaction.payChannelTransNo = "4200002501202501031234567890"
        #expect(try outcome(of: vector).report == expected)
    }

    @Test func numbersKeepTheirTokens() throws {
        let vector = try #require(SigningVectors.responses.first { $0.name == "response-success-data-object" })
        #expect(try outcome(of: vector).report?.transaction.amount == "1.00")
    }

    @Test func reasonOfAFailureIsRead() throws {
        let vector = try #require(SigningVectors.responses.first { $0.name == "response-failed-unicode-escapes" })
        let report = try #require(try outcome(of: vector).report)
        #expect(report.failure?.code == "TS-D2012")
        #expect(report.failure?.message == "残高不足のため返金できません \"NG\"")
        #expect(report.transaction.amount == nil)
    }

    @Test(arguments: SigningVectors.responses)
    func noAnswerCountsWhoseSignatureIsWrong(vector: SigningVectors.SignedBody) throws {
        #expect(try outcome(of: vector).isVerified == (vector.expected == .valid))
    }

    /// Notifications are signed with the same key; they have neither `code` nor `data` and are no answers.
    @Test(arguments: SigningVectors.notifications)
    func notificationIsNoAnswer(vector: SigningVectors.SignedBody) throws {
        #expect(try outcome(of: vector).kind == (vector.expected == .valid ? "inconclusive" : "unverified"))
    }
}
