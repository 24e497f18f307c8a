import RefundConfiguration
import RefundCore
import RefundStore
import Testing

@testable import RefundDaemon

/// What the daemon says of files that it may not use.
struct AccessAdviceTests {
    @Test func daemonInItsSandboxDoesNotGuessAnOwner() {
        let owner = Finding(.problem, "database", "user refundd cannot write", run: "chown nobody:refundd /srv/shop.db")
        #expect(owner.asSeenFromSandbox.command == "sudo refundd doctor")
        #expect(owner.asSeenFromSandbox.text == owner.text)
        let folder = Finding(.problem, "database", "user refundd cannot enter /srv", run: "chmod o+x /srv")
        #expect(folder.asSeenFromSandbox == folder)
    }

    @Test func statusReportsFilesThatTheDaemonsUserMayNoLongerWrite() throws {
        let queue = try QueueFixture()
        let configuration = DatabaseConfiguration(try queue.configuration())
        func problems(of user: ServiceUser) throws -> [Finding] {
            try QueueReport(of: queue.store, configuration, servedBy: user).findings.filter { $0.subject == "database" }
        }
        #expect(try problems(of: .current).isEmpty)
        let found = try #require(try problems(of: ServiceUser(id: 54_321, group: 54_321)).first)
        #expect(found.gravity == .problem && found.text.hasPrefix("user 54321 cannot "), "\(found.text)")
        #expect(found.command?.contains("chown ") == true)
    }

    @Test func failureToOpenNamesTheFolderAboveThatNobodyMayEnter() throws {
        let error = StoreError(.cannotOpen, location: "/srv/shop.db", reason: "x", description: "cannot open")
        let barrier = Finding(.problem, "database", "user refundd cannot enter /srv (mode 700)", run: "chmod o+x /srv")
        let failure = CommandFailure(error, Barred(finding: barrier))
        #expect(failure.messages == ["cannot open", "user refundd cannot enter /srv (mode 700); run: chmod o+x /srv"])
        let busy = StoreError(.busy, location: "/srv/shop.db", reason: "x", description: "busy")
        #expect(CommandFailure(busy, Barred(finding: barrier)).messages == ["busy"])
    }
}

/// A queue whose files this user may not use.
private struct Barred: StoreProvider {
    var finding: Finding
    let location = "/srv/shop.db"

    func open(_: StoreAccess, beforeCommit _: (@Sendable () -> Void)?) throws(StoreError) -> any QueueStore {
        throw StoreError(.cannotOpen, location: location, reason: "", description: "")
    }
    func initialize(at _: Timestamp, acceptingRestoredFor _: String?) throws(StoreError) -> Int64? { nil }
    var daemon: DaemonPresence { .absent }
    var distrust: String? { nil }
    func lock() throws(StoreError) -> LockAttempt { .heldByDaemon }
    var alreadyServed: StoreError { StoreError(.alreadyServed, location: location, reason: "", description: "") }
    var owner: ServiceUser? { nil }
    func findings(for _: ServiceUser) -> [Finding] { [finding] }
    func accessFindings(for _: ServiceUser) -> [Finding] { [finding] }
    func spaceFindings() -> [Finding] { [] }
    func wakeFinding() -> Finding { Finding(.fine, "inotify", "") }
}
