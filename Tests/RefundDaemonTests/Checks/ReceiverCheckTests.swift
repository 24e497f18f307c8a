import RefundConfiguration
import RefundCore
import RefundStore
import Testing

@testable import RefundDaemon

/// Whether the default receiver can be delivered to.
struct ReceiverCheckTests {
    private func check(_ url: String, _ allowHosts: [String] = []) throws -> ReceiverCheck {
        var webhook = WebhookSettings()
        webhook.url = url
        webhook.allowHosts = try allowHosts.map { try #require(try? AllowedHost($0)) }
        return ReceiverCheck(webhook: webhook)
    }

    @Test(arguments: ["https://localhost/TOKEN", "https://localhost:8443/TOKEN", "https://shop.localhost/TOKEN"])
    func thisMachineIsRefusedByName(url: String) throws {
        let problem = try #require(try check(url).offlineProblem())
        #expect(problem.contains("loopback"))
        #expect(!problem.contains("TOKEN"))
    }

    @Test(arguments: ["localhost", "127.0.0.1", "127.0.0.1:8443", "::1"])
    func thisMachineIsAllowedByAnEntry(entry: String) throws {
        #expect(try check("https://localhost:8443/", [entry]).offlineProblem() == nil)
    }

    @Test func nameThatResolvesToARefusedAddressIsAProblemOnline() throws {
        let finding = try #require(try check("https://localhost:8443/TOKEN").onlineFinding())
        #expect(finding.gravity == .problem)
        #expect(!finding.line.contains("TOKEN"))
        #expect(try check("https://localhost:8443/", ["localhost:8443"]).onlineFinding()?.gravity == .fine)
    }

    @Test func portThatNobodyListensOnIsAProblemForTheDoctor() throws {
        // Port 1 of the loopback is TCPMUX, which nobody serves.
        for host in ["localhost", "127.0.0.1"] {
            let check = try check("https://\(host):1/TOKEN", ["\(host):1"])
            let finding = try #require(check.onlineFinding(connects: true))
            #expect(finding.gravity == .problem)
            #expect(finding.text.contains("port 1 does not accept connections (Connection refused)"), "\(finding.text)")
            #expect(!finding.line.contains("TOKEN"))
            #expect(finding.command == "refundd redeliver --pending")
        }
    }

    @Test func receiverThatRefusesWebhooksIsNotFine() throws {
        let check = try check("https://localhost:8443/", ["localhost:8443"])
        let refusal = EndpointRefusal(
            endpoint: "https://localhost:8443",
            since: Timestamp(milliseconds: 0),
            attempts: 8,
            reason: "HTTP 500",
            waiting: 4
        )
        let finding = try #require(check.onlineFinding(refusals: [refusal]))
        #expect(finding.gravity == .note)
        #expect(finding.text.hasSuffix("but has accepted none of the last 8 attempts (HTTP 500)"))
    }

    @Test func nameThatDoesNotResolveIsAProblemOnline() throws {
        let finding = try #require(try check("https://shop.invalid/TOKEN").onlineFinding())
        #expect(finding.gravity == .problem)
        #expect(finding.command == "getent ahosts shop.invalid")
    }

    @Test func nothingIsCheckedWithoutAURL() {
        #expect(ReceiverCheck(webhook: WebhookSettings()).offlineProblem() == nil)
        #expect(ReceiverCheck(webhook: WebhookSettings()).onlineFinding() == nil)
    }
}
