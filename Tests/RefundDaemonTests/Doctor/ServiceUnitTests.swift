import Foundation
import Glibc
import RefundAdmin
import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// The unit as `doctor` reads it.
struct ServiceUnitTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["etc/refundd.service.d", "lib/refundd.service.d"] {
            try FileManager.default.createDirectory(
                atPath: folder.path(name),
                withIntermediateDirectories: true
            )
        }
    }

    private var unit: ServiceUnit? { ServiceUnit.installed(in: [folder.path("etc"), folder.path("lib")]) }

    @Test func unitThatIsNotInstalledIsNone() {
        #expect(unit == nil)
    }

    @Test func userAndCredentialsAreRead() throws {
        let text = """
            [Service]
            # User=root
            User=refundd
            LoadCredential=app_private_key:/etc/refundd/credentials/app_private_key
            LoadCredential=webhook_secret:/etc/refundd/credentials/webhook_secret
            """
        _ = try folder.write(text, to: "lib/refundd.service")
        #expect(unit?.user == "refundd")
        #expect(unit?.credentials["app_private_key"] == "/etc/refundd/credentials/app_private_key")
        #expect(unit?.credentials.count == 2)
    }

    @Test func folderOfCredentialsCountsFileByFile() throws {
        _ = try folder.write("", to: "lib/webhook_secret")
        _ = try folder.write("[Service]\nLoadCredential=refundd:\(folder.path("lib"))\n", to: "etc/refundd.service")
        #expect(unit?.credentials["refundd_webhook_secret"] == folder.path("lib/webhook_secret"))
    }

    @Test func dropInsOverrideTheUnit() throws {
        _ = try folder.write("[Service]\nUser=refundd\nLoadCredential=a:/a\n", to: "lib/refundd.service")
        _ = try folder.write(
            "[Service]\nLoadCredential=\nLoadCredential=b:/b\n",
            to: "lib/refundd.service.d/20-keys.conf"
        )
        _ = try folder.write("[Service]\nUser=nobody\n", to: "lib/refundd.service.d/10-user.conf")
        _ = try folder.write("[Service]\nUser=shop\n", to: "etc/refundd.service.d/10-user.conf")
        #expect(unit?.user == "shop")
        #expect(unit?.credentials == ["b": "/b"])
    }

    @Test func groupsOfTheUnitAndItsDropInsAreTheServices() throws {
        _ = try folder.write("[Service]\nUser=1234\nGroup=1234\n", to: "lib/refundd.service")
        _ = try folder.write("[Service]\nSupplementaryGroups=5678 91\n", to: "etc/refundd.service.d/database.conf")
        #expect(unit?.serviceUser?.groups == [1_234, 5_678, 91])
        #expect(unit?.serviceUser?.sharedGroup == 5_678)
        _ = try folder.write("[Service]\nSupplementaryGroups=\n", to: "etc/refundd.service.d/z.conf")
        #expect(unit?.serviceUser?.groups == [1_234])
    }

    @Test func folderThatIsStillToBeMadeHoldsTheCredentials() throws {
        let missing = folder.path("credentials")
        _ = try folder.write("[Service]\nLoadCredential=refundd:\(missing)\n", to: "lib/refundd.service")
        #expect(unit?.credentialFolders == [missing])
    }

    @Test func userIsAnIdOrAName() {
        #expect(ServiceUnit(parsing: "").userID == 0)
        #expect(ServiceUnit(parsing: "User=1234").userID == 1_234)
        #expect(ServiceUnit(parsing: "User=no-such-user-here").userID == nil)
    }

    // MARK: - What systemd says about it

    private static let running = DaemonPresence.running(nil)

    @Test(
        arguments: [
            (
                ["ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"], Finding.Gravity.problem,
                "exit status 78"
            ),
            (["ActiveState": "inactive"], .problem, "not started"),
            (["ActiveState": "active", "UnitFileState": "disabled"], .warning, "will not start with the machine"),
            (["ActiveState": "active", "NeedDaemonReload": "yes"], .warning, "has changed"),
            (["ActiveState": "active", "NRestarts": "6"], .note, "systemd has restarted refundd 6 times"),
            (["ActiveState": "active", "UnitFileState": "enabled", "NRestarts": "0"], .fine, "active"),
        ] as [([String: String], Finding.Gravity, String)]
    )
    func stateOfTheUnitIsJudged(properties: [String: String], gravity: Finding.Gravity, words: String) {
        let findings = UnitCheck.findings(UnitState(properties), daemon: .absent)
        #expect(findings.map(\.gravity) == [gravity])
        #expect(findings[0].text.contains(words))
        #expect((findings[0].command != nil) == (gravity != .fine))
    }

    @Test func restartsAreNotedUntilTheDaemonHasRunForAWhile() {
        func notes(secondsAgo: Int64) -> [String] {
            let start = ServiceNotifier.monotonicMicroseconds() - secondsAgo * 1_000_000
            return UnitState(["NRestarts": "6", "ExecMainStartTimestampMonotonic": "\(start)"]).notes.map(\.text)
        }
        #expect(
            notes(secondsAgo: 240)
                == ["systemd has restarted refundd 6 times, the last time 4m ago, because it was killed or failed"]
        )
        #expect(notes(secondsAgo: 660).isEmpty)
    }

    @Test func daemonThatRunsWithoutItsUnitIsFine() {
        let findings = UnitCheck.findings(UnitState(["ActiveState": "inactive"]), daemon: Self.running)
        #expect(findings.map(\.gravity) == [.fine])
    }

    @Test(
        arguments: [
            (
                ["LoadState": "masked", "UnitFileState": "masked", "NeedDaemonReload": "yes"],
                "refundd.service is masked", "systemctl unmask refundd && systemctl start refundd"
            ),
            (
                ["UnitFileState": "masked-runtime"], "refundd.service is masked",
                "systemctl unmask --runtime refundd && systemctl start refundd"
            ),
            (
                ["ActiveState": "activating", "SubState": "auto-restart", "ExecMainStatus": "74"],
                "refundd.service fails repeatedly (exit status 74)", "journalctl -u refundd -n 20 --no-pager"
            ),
        ] as [([String: String], String, String)]
    )
    func unitThatCannotBeStartedNamesWhatCanWork(properties: [String: String], text: String, command: String) {
        let findings = UnitCheck.findings(UnitState(properties), daemon: .absent)
        #expect(findings == [Finding(.problem, "unit", text, run: command)])
    }

    @Test func stateThatIsHiddenIsNotLeftBlank() {
        let findings = UnitCheck.findings(UnitState([:]), daemon: Self.running)
        #expect(findings.map(\.gravity) == [.warning])
        #expect(findings.first?.command == "sudo refundd doctor")
    }

    @Test func daemonThatASignalEndedIsNotSaidToFailRepeatedly() {
        let state = UnitState([
            "ActiveState": "activating", "SubState": "auto-restart", "ExecMainCode": "2", "ExecMainStatus": "9",
            "RestartUSec": "2s",
        ])
        #expect(state.obstacle()?.reason == "refundd was killed (signal 9); systemd starts it again within 2s")
        #expect(!state.hasFailed)
    }

    private static let failed = UnitState(["ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"])

    private func absent(
        _ state: UnitState = failed,
        isHidden: Bool = false,
        cause: Finding? = nil,
        lastWords: String? = nil
    ) -> DaemonReport {
        var report = DaemonReport(presence: .absent)
        report.explainAbsence(state, isHidden: isHidden) {
            cause
        } lastWords: {
            lastWords
        }
        return report
    }

    @Test func headlineOfAFailedUnitIsItsCauseWithTheCommandThatRemovesIt() {
        let missing = Finding(.problem, "credentials", "app_private_key is missing", run: "install -m 600 a b")
        let report = absent(cause: missing, lastWords: "exit")
        #expect(report.obstacle == "refundd cannot start: app_private_key is missing")
        #expect(report.startCommand == "install -m 600 a b")
        #expect(report.absence == "refundd cannot start: app_private_key is missing; run: install -m 600 a b")
    }

    @Test func failedUnitWithoutAKnownCauseHasItsLastWords() {
        let damaged = UnitState(["ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "74"])
        let report = absent(damaged, lastWords: "the database is damaged")
        let reason = "refundd.service has failed (exit-code, exit status 74)"
        #expect(report.obstacle == "\(reason): the database is damaged")
        #expect(report.startCommand == "journalctl -u refundd -n 20 --no-pager")
        #expect(absent(damaged).obstacle == reason)
    }

    @Test func failedUnitWhoseConfigurationIsRightByNowOnlyHasToBeStarted() {
        let report = absent(lastWords: "gateway.ca_fil: unknown key")
        let reason = "refundd.service has failed (exit-code, exit status 78): gateway.ca_fil: unknown key"
        #expect(report.obstacle == "\(reason); its configuration and keys look right by now")
        #expect(report.startCommand == "systemctl restart refundd")
    }

    @Test func unitThatWasNotStartedOrIsStartedAgainHasNoCause() {
        let cause = Finding(.problem, "credentials", "app_private_key is missing", run: "install -m 600 a b")
        let stopped = absent(UnitState(["ActiveState": "inactive"]), cause: cause)
        #expect(stopped.obstacle == nil && stopped.startCommand == "systemctl start refundd")
        let killed = UnitState(["SubState": "auto-restart", "ExecMainCode": "2", "ExecMainStatus": "9"])
        #expect(absent(killed, cause: cause).obstacle == "refundd was killed (signal 9); systemd starts it again")
    }

    @Test func userWhoCannotSeeTheServiceIsSentToRoot() {
        let cause = Finding(.problem, "credentials", "app_private_key is missing", run: "install -m 600 a b")
        let report = absent(isHidden: true, cause: cause, lastWords: "exit")
        #expect(report.obstacle == "refundd.service has failed (exit-code, exit status 78)")
        #expect(report.startCommand == "sudo refundd status")
        let unknown = absent(UnitState([:]), isHidden: true)
        #expect(unknown.obstacle == nil && unknown.startCommand == "sudo refundd status")
        let stopped = absent(UnitState(["ActiveState": "inactive"]), isHidden: true)
        #expect(stopped.startCommand == "systemctl start refundd")
    }

    @Test func serviceIsHiddenFromEveryoneButRootAndItsOwnUser() throws {
        _ = try folder.write("[Service]\nUser=54321\n", to: "lib/refundd.service")
        let unit = try #require(unit)
        for (viewer, isHidden) in [(0, false), (54_321, false), (54_322, true)] as [(uid_t, Bool)] {
            #expect(unit.isHidden(from: ServiceUser(id: viewer), .absent) == isHidden, "\(viewer)")
        }
        // The daemon that runs decides, whatever the unit says.
        let serving = ServingDaemon(pid: getpid(), version: "1", since: Timestamp(milliseconds: 0))
        #expect(!unit.isHidden(from: .current, .running(serving)))
    }

    @Test func lastMessageOfAFailedDaemonIsFound() {
        let journal = "refundd: older\nStarting refundd\nrefundd: the database is gone\nrefundd.service: Failed\n"
        #expect(UnitState.lastWords(in: journal) == "the database is gone")
        #expect(UnitState.lastWords(in: "Starting refundd\n") == nil)
    }

    // MARK: - Its sandbox

    private static let sandbox = """
        [Service]
        ProtectSystem=strict
        ProtectHome=yes
        StateDirectory=refundd
        ReadWritePaths=-/srv/open/
        """

    private func sandboxFinding(_ database: String, group: gid_t? = nil) -> Finding? {
        let unit = ServiceUnit(parsing: Self.sandbox)
        return SandboxCheck(unit: unit, user: ServiceUser(id: 54_321, group: group)).finding(database)
    }

    @Test(arguments: ["/var/lib/refundd/refundd.db", "/srv/open/shop.db", "/srv/open/deep/shop.db"])
    func databaseThatTheSandboxLetsTheServiceWriteIsFine(database: String) {
        #expect(sandboxFinding(database) == nil)
    }

    @Test func databaseOutsideTheSandboxHasItsDropIn() throws {
        let finding = sandboxFinding("/srv/opened/shop.db")
        #expect(finding?.gravity == .problem)
        #expect(finding?.text == "the service's sandbox makes /srv/opened read-only")
        #expect(
            finding?.command == "mkdir -p /etc/systemd/system/refundd.service.d"
                + " && printf '%s\\n' '[Service]' ReadWritePaths=/srv/opened"
                + " >/etc/systemd/system/refundd.service.d/database.conf"
                + " && systemctl daemon-reload && systemctl restart refundd"
        )
        #expect(sandboxFinding("/home/shop/shop.db")?.text.contains("hides /home/shop") == true)
        #expect(sandboxFinding("/home/shop/shop.db")?.command?.contains("ProtectHome=no") == true)
    }

    @Test func unitIsJudgedOnlyWithItsOwnConfiguration() async throws {
        let file = try folder.write("[database]\npath = \"/srv/opened/shop.db\"\n", to: "refundd.conf")
        let doctor = Doctor(file: file, environment: [:], installed: ServiceUnit(parsing: Self.sandbox))
        let findings = await doctor.findings(isOnline: false)
        #expect(!findings.contains { $0.text.contains("sandbox") })
        #expect(
            findings.filter { $0.subject == "unit" }.map(\.text)
                == ["refundd.service reads /etc/refundd/refundd.conf, not this file"]
        )
    }

    @Test func serviceJoinsTheGroupOfTheApplicationsFolder() throws {
        let path = try folder.write("", to: "shop.db")
        var status = stat()
        try #require(unsafe chown(folder.path, geteuid(), geteuid() == 0 ? 5_678 : getegid()) == 0)
        try #require(unsafe stat(folder.path, &status) == 0)
        let finding = sandboxFinding(path)
        #expect(finding?.command?.contains("SupplementaryGroups=\(ServiceUser.name(ofGroup: status.st_gid))") == true)
        #expect(finding?.command?.hasPrefix("chmod 2770 ") == true)
        #expect(finding?.command?.contains("chmod 660 ") == true)
        #expect(sandboxFinding(path, group: status.st_gid)?.command?.contains("chmod") == false)
    }

    @Test func failedUnitIsRestartedOnceEverythingIsRepaired() {
        let state = UnitState(["ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"])
        let command = UnitCheck.findings(state, daemon: .absent, isRepaired: true).first?.command
        #expect(command == "systemctl restart refundd")
    }

    @Test func maskedUnitStillNamesItsUser() throws {
        _ = try folder.write("[Service]\nUser=refundd\n", to: "lib/refundd.service")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("etc/refundd.service"),
            withDestinationPath: "/dev/null"
        )
        #expect(unit?.user == "refundd")
    }

    // MARK: - The machine

    @Test func clockThatNobodyKeepsIsAWarning() {
        #expect(ClockCheck.finding(isSynchronized: true, window: nil).gravity == .fine)
        let free = ClockCheck.finding(isSynchronized: false, window: .seconds(300), canSynchronize: true)
        #expect(free.command == "timedatectl set-ntp true")
        #expect(free.text.hasSuffix("; if it is 5m off, the gateway refuses every query"))
        let bare = ClockCheck.finding(isSynchronized: false, window: nil, canSynchronize: false)
        #expect(bare.text == "nothing synchronizes the clock")
        #expect(bare.command == "apt-get install systemd-timesyncd")
    }

    @Test(arguments: [
        ("no answer (this machine's clock is 1h behind the response's date)", "1h behind"),
        ("this machine's clock is 20m ahead of the gateway's; set the clock", "20m ahead of"),
    ])
    func differenceToAGatewaysClockIsAProblem(error: String, difference: String) {
        let now = Timestamp(milliseconds: 1_790_000_000_000)
        var status = QueueStatus()
        let sighting = GatewaySighting(lastVerified: nil, lastError: error, lastErrorAt: now.advanced(by: .seconds(-2)))
        status.sightings = ["default": sighting]
        let words = "\(difference) gateway default's, which refuses all queries (measured 2s ago)"
        #expect(ClockCheck.measured(status, at: now) == words)
        #expect(ClockCheck.finding(status, at: now).gravity == .problem)
        status.sightings["default"]?.lastVerified = now
        #expect(ClockCheck.measured(status, at: now) == nil, "an answer has verified since")
    }

    @Test func userOfAProcessIsItsOwn() {
        #expect(ServiceUser(ofProcess: getpid())?.id == geteuid())
        #expect(ServiceUser(ofProcess: getpid())?.group == getegid())
        #expect(ServiceUser(ofProcess: -1) == nil)
    }
}
