import RefundCore
import RefundScheduler
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// The headline names the cause of a gateway's problem and the command that ends it.
struct GatewayRemedyTests {
    private static let now = Timestamp(milliseconds: 1_790_000_000_000)
    private static let refused = "the gateway refuses our credentials (SYS002: the signature is wrong)"
    private static let foreignKey = "the gateway's answer is signed by none of the configured public keys"

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func first(
        _ error: String,
        key: String = "/etc/refundd/credentials/app_private_key",
        publicKey: String? = nil,
        outsider: String? = nil,
        readAt: Timestamp? = nil,
        _ change: (inout QueueStatus) -> Void = { _ in }
    ) -> Finding? {
        var status = QueueStatus()
        status.sightings = ["default": GatewaySighting(lastVerified: nil, lastError: error, lastErrorAt: Self.now)]
        status.lapses = ["default": GatewayLapse(since: Self.now, count: 3)]
        change(&status)
        let daemon = DaemonReport(presence: .running(ServingDaemon(pid: 1, version: "1", since: Self.now)))
        var report = QueueReport(at: Self.now, daemon, status, gateways: ["default"])
        var settings = GatewaySettings()
        settings.appID = "wz1"
        settings.privateKeyFile = key
        settings.publicKeyFiles = [publicKey ?? "/etc/refundd/credentials/gateway_public_key"]
        report.settings = ["default": settings]
        if let readAt {
            let serving = ServingDaemon(pid: 77, version: "1", since: readAt)
            let changes = CredentialChanges(sources: [:], files: [key], daemon: serving)
            report.credentialChanges = changes
            report.credentialFindings = [changes.finding()].compactMap(\.self)
        }
        report.outsider = outsider
        return report.findings.first
    }

    @Test func foreignKeyOfTheGatewayIsNamedWithTheFileToReplace() {
        let finding = first(Self.foreignKey)
        let text =
            "gateway default signs with another key than gateway_public_key; save the key from its portal as"
            + " /etc/refundd/credentials/gateway_public_key (no answer from gateway default has verified since"
        #expect(finding?.text.hasPrefix(text) == true, "\(finding?.text ?? "none")")
        #expect(finding?.command == "systemctl restart refundd")
    }

    @Test func userWhoCannotSeeTheKeysIsNotToldWhichToReplace() {
        let finding = first(Self.foreignKey, outsider: "op1")
        #expect(finding?.text.hasPrefix("no answer from gateway default has verified since") == true)
        #expect(finding?.command == "sudo refundd check --online")
    }

    @Test func refusedSignatureShowsOurPublicHalf() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "the signature is wrong",
            isVerified: true,
            since: Self.now
        )
        let finding = first("the gateway refuses our credentials (SYS002: the signature is wrong)") {
            $0.incidents = ["default": incident]
        }
        #expect(finding?.text.hasPrefix("gateway default refuses our signature: the portal has another") == true)
        #expect(finding?.text.contains("app_id wz1") == true)
        #expect(finding?.command == "openssl pkey -in /etc/refundd/credentials/app_private_key -pubout")
    }

    @Test func wrongClockIsToldOnceAndAlone() {
        let error = "no answer (this machine's clock is 1h behind the response's date)"
        let finding = first(error)
        #expect(finding?.subject == "clock")
        let text =
            "this machine's clock is 1h behind gateway default's, which refuses all queries; correct it, or,"
            + " if it is right, tell the gateway's operator"
        #expect(finding?.text == text)
        #expect(finding?.command?.contains("app_id") == false)
    }

    @Test func unknownAppIDIsNotBlamedOnTheKey() {
        let finding = first("the gateway refuses our credentials (SYS002: the app_id is unknown)")
        let text =
            "gateway default does not know app_id wz1; compare it with the portal, and correct it in the configuration"
        #expect(finding?.text.hasPrefix(text) == true, "\(finding?.text ?? "none")")
        #expect(finding?.command == "systemctl restart refundd")
    }

    /// A failure before or after a key was replaced, which happened at the given time.
    private func fail(_ status: inout QueueStatus, since begin: Int, after change: Timestamp, until last: Int) {
        let time = { (seconds: Int) in change.advanced(by: .seconds(seconds)) }
        status.sightings["default"]?.lastVerified = time(begin - 4)
        status.sightings["default"]?.lastErrorAt = time(last)
        status.lapses["default"]?.since = time(begin)
        status.breakers["default"] = OpenBreaker(since: time(begin), reason: "refused", nextProbe: time(60))
    }

    @Test func ownKeyThatWasReplacedBetweenTheLastAnswerAndTheFailureIsBlamed() throws {
        let key = try folder.write("key", to: "app_private_key")
        let changed = try #require(CredentialChanges.time(of: key))
        let blamed = first(Self.refused, key: key, readAt: changed) { fail(&$0, since: 2, after: changed, until: 8) }
        #expect(blamed?.text.contains("app_private_key was replaced at") == true, "\(blamed?.text ?? "none")")
        for begin in [-60, 60] {
            let other = first(Self.refused, key: key, readAt: changed) {
                fail(&$0, since: begin, after: changed, until: 90)
            }
            #expect(other?.text.hasPrefix("gateway default refuses our signature") == true)
            #expect(other?.text.contains("put the old key back") == false, "\(other?.text ?? "none")")
        }
    }

    @Test(arguments: [refused, foreignKey])
    func keyThatTheDaemonHasNotReadComesFirst(error: String) throws {
        let key = try folder.write("key", to: "the_key")
        let changed = try #require(CredentialChanges.time(of: key))
        let found = first(error, key: key, publicKey: key, readAt: changed.advanced(by: .seconds(-90))) {
            fail(&$0, since: -8, after: changed, until: 8)
        }
        let text = "the_key has changed since refundd read it (gateway default has failed since"
        #expect(found?.text.hasPrefix(text) == true, "\(found?.text ?? "none")")
        #expect(found?.command == "kill -HUP 77")
    }

    @Test(arguments: [refused, foreignKey])
    func keyThatTheDaemonHasReadButNotTriedIsSaidToBeNew(error: String) throws {
        let key = try folder.write("key", to: "the_key")
        let changed = try #require(CredentialChanges.time(of: key))
        let found = first(error, key: key, publicKey: key, readAt: changed.advanced(by: .seconds(1))) {
            fail(&$0, since: -8, after: changed, until: -1)
        }
        let text = "the new key the_key has not been tried yet, next probe "
        #expect(found?.text.hasPrefix(text) == true, "\(found?.text ?? "none")")
        #expect(found?.command == "refundd check --online")
    }

    @Test func gatewayThatIsDownLosesNothing() {
        let finding = first("timed out")
        #expect(finding?.text.hasSuffix("; nothing is lost, refundd goes on by itself") == true)
        #expect(finding?.command == "refundd check --online")
    }

    @Test func ownFindingIsNoHint() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: GatewayIncident.unverifiedCode,
            message: Self.foreignKey,
            isVerified: false,
            since: Self.now
        )
        #expect(incident.cause == Self.foreignKey)
    }
}
