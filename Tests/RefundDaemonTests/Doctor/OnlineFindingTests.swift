import RefundCore
import Testing

@testable import RefundDaemon

/// What `doctor` makes of a gateway that it has just asked.
struct OnlineFindingTests {
    private let doctor = Doctor(file: "/srv/refundd.conf", environment: [:], installed: nil)
    private let settings: GatewaySettings

    init() {
        var settings = GatewaySettings()
        settings.url = "https://127.0.0.1:8443"
        settings.appID = "wz1"
        settings.privateKeyFile = "/srv/app_private_key"
        self.settings = settings
    }

    private func explained(_ outcome: QueryOutcome, _ settings: GatewaySettings) -> Finding {
        let finding = GatewayCheck.finding(for: outcome, from: "default", merchantNo: "3")
        return doctor.explained(finding, outcome.problem ?? "", settings)
    }

    @Test func refusedSignatureIsNotBlamedOnTheAppID() {
        let refused = QueryOutcome.credentialsRefused(
            code: "SYS002",
            message: "the signature is wrong",
            isVerified: true
        )
        let finding = explained(refused, settings)
        #expect(finding.text.hasPrefix("gateway default refuses our signature"), "\(finding.text)")
        #expect(finding.command == "openssl pkey -in /srv/app_private_key -pubout")
        let merchant = QueryOutcome.inconclusive(reason: "the gateway answered E04003: merchant does not exist")
        #expect(explained(merchant, settings).text.contains("check merchant_no 3"))
        let unknown = QueryOutcome.credentialsRefused(code: "SYS002", message: "app_id is unknown", isVerified: true)
        #expect(explained(unknown, settings).text.hasPrefix("gateway default does not know app_id wz1"))
    }

    @Test func commandForAGatewayThatDoesNotAnswerTrustsTheConfiguredCertificates() {
        let silent = QueryOutcome.unreachable(reason: "timed out")
        #expect(explained(silent, settings).command == "curl -sSv -o /dev/null https://127.0.0.1:8443")
        var trusting = settings
        trusting.caFile = "/etc/refundd/my ca.pem"
        let command = "curl -sSv -o /dev/null --cacert '/etc/refundd/my ca.pem' https://127.0.0.1:8443"
        #expect(explained(silent, trusting).command == command)
    }

    @Test func gatewayHasOneProblemWithItsFigures() {
        let other = Finding(.problem, "gateway second", "gateway second has failed", run: "journalctl")
        let known = Finding(.problem, "gateway default", "gateway default has failed since 9:00", run: "journalctl")
        let online = Finding(.problem, "gateway default", "timed out", run: "curl https://127.0.0.1")
        let merged = Finding(
            .problem,
            "gateway default",
            "timed out (gateway default has failed since 9:00)",
            run: "curl https://127.0.0.1"
        )
        #expect([known, other].settled(by: [online]) == [other, merged])
        var detailed = known
        detailed.text += ": timed out"
        #expect([detailed].settled(by: [online]).map(\.text) == [detailed.text])
        let fine = Finding(.fine, "gateway default", "answers")
        #expect([known].settled(by: [fine]) == [known, fine])
        let paused = Finding(.problem, "gateway default", "paused", run: "refundd resume --gateway default")
        #expect([paused].settled(by: [online]) == [paused, online])
    }
}
