import RefundCore
import Testing

@testable import RefundDaemon

/// What `check --online` makes of a gateway's answer to a query for a refund that cannot exist.
struct GatewayCheckTests {
    private static let evidence = Evidence(code: "E04111", psn: nil, response: [])
    private static let merchant = QueryOutcome.inconclusive(
        reason: "the gateway answered E04003: merchant does not exist"
    )

    private func finding(_ outcome: QueryOutcome, merchantNo: String? = "312100007235") -> Finding {
        GatewayCheck.finding(for: outcome, from: "default", merchantNo: merchantNo)
    }

    @Test func unknownOrderIsTheExpectedAnswer() {
        let finding = finding(.notFound(message: "invalid number", Self.evidence))
        #expect(finding.gravity == .fine)
        #expect(finding.line.contains("E04111, invalid number"))
    }

    @Test func signedRefusalOfTheMerchantIsAProblem() {
        let finding = finding(Self.merchant)
        #expect(finding.gravity == .problem)
        #expect(finding.line.contains("merchant does not exist"))
        #expect(finding.line.contains("merchant_no 312100007235"))
    }

    @Test func withoutAMerchantTheQuerySaysLittle() {
        #expect(finding(Self.merchant, merchantNo: nil).gravity == .warning)
    }

    @Test func reportOnARefundThatDoesNotExistIsNoted() {
        let report = GatewayReport(.processing, GatewayTransaction(status: 0))
        #expect(finding(.report(report, Self.evidence)).gravity == .note)
    }

    @Test func refusedSignatureAndForeignKeyNameTheKeyToCompare() {
        let refused = QueryOutcome.credentialsRefused(code: "SYS002", message: "wrong signature", isVerified: true)
        #expect(finding(refused).line.contains("app_id and the public half of private_key_file"))
        let foreign = QueryOutcome.unverified(reason: "signed by none of the configured public keys")
        #expect(finding(foreign).line.contains("another key than public_key_files"))
    }

    @Test(arguments: [
        QueryOutcome.credentialsRefused(code: "SYS002", message: "wrong signature", isVerified: true),
        .credentialsRefused(code: "E07303", message: "no access", isVerified: false),
        .unverified(reason: "signed by none of the configured public keys"),
        .slowedDown(reason: "too many queries", retryAfter: nil), .unreachable(reason: "timed out"),
    ])
    func everythingElseIsAProblem(outcome: QueryOutcome) {
        #expect(finding(outcome).gravity == .problem)
        #expect(finding(outcome).line.contains(outcome.problem ?? "-"))
    }
}
