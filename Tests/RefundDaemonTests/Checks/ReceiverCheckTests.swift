import RefundConfiguration
import RefundCore
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
