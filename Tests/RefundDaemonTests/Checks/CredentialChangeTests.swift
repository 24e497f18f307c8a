import Glibc
import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// Keys and secrets that the running daemon has not read.
struct CredentialChangeTests {
    private let folder: TemporaryFolder
    private let key: String

    init() throws {
        folder = try TemporaryFolder()
        #expect(unsafe mkdir(folder.path("copies"), 0o700) == 0)
        key = try folder.write("old", to: "gateway_public_key")
        try folder.write("old", to: "copies/refundd_gateway_public_key")
    }

    private func finding(units: Bool, since: Int64, reloaded: Int64? = nil) -> Finding? {
        let time = { Timestamp(milliseconds: $0) }
        let daemon = ServingDaemon(pid: 77, version: "1", since: time(since), reloaded: reloaded.map(time))
        let sources = units ? ["refundd_gateway_public_key": key] : [:]
        return CredentialChanges(sources: sources, files: [key], daemon: daemon, copies: folder.path("copies"))
            .finding()
    }

    @Test func keyThatDiffersFromTheCopyOfTheServiceManagerTakesARestart() throws {
        #expect(finding(units: true, since: 0) == nil, "the copy is the same")
        try folder.write("new", to: "gateway_public_key")
        let found = finding(units: true, since: .max)
        #expect(found?.text == "gateway_public_key has changed since refundd started; a restart uses it")
        #expect(found?.command == "refundd check --online && systemctl restart refundd")
    }

    @Test func configurationThatWasEditedIsNotInForceYet() throws {
        let file = try folder.write("[gateway]", to: "refundd.conf")
        func finding(_ sources: [String: String], since: Int64) -> Finding? {
            let daemon = ServingDaemon(pid: 77, version: "1", since: Timestamp(milliseconds: since))
            return CredentialChanges(sources: sources, files: [], daemon: daemon).finding(about: file)
        }
        #expect(finding(["refundd_key": key], since: 0)?.text == "refundd.conf has changed since refundd read it")
        #expect(finding(["refundd_key": key], since: 0)?.command == "refundd check && systemctl restart refundd")
        #expect(finding([:], since: 0)?.command == "kill -HUP 77")
        #expect(finding([:], since: .max) == nil)
    }

    @Test func withoutServiceManagerAReloadReadsAChangedKey() throws {
        let found = finding(units: false, since: 0)
        #expect(found?.text == "gateway_public_key has changed since refundd read it")
        #expect(found?.command == "kill -HUP 77")
        #expect(finding(units: false, since: .max) == nil)
        #expect(finding(units: false, since: 0, reloaded: .max) == nil)
    }
}
