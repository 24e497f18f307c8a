import Foundation
import Glibc
import RefundCore
import RefundStore
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// Whether a user could serve a database.
struct DatabaseCheckTests {
    private let folder: TemporaryFolder
    private let path: String
    private let files = FileManager.default
    // Neither root nor the owner of anything here.
    private let stranger = ServiceUser(id: 54_321)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func findings(_ user: ServiceUser = .current) -> [Finding] {
        DatabaseCheck(path: path, user: user).findings()
    }

    private func make() throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: Timestamp(milliseconds: 1_790_000_000_000))
        store.close()
    }

    @Test func queueIsFine() throws {
        try make()
        #expect(findings().isEmpty)
    }

    @Test func queueThatIsStillToBeCreatedIsNoted() {
        #expect(findings().map(\.gravity) == [.note])
        #expect(!files.fileExists(atPath: path))
    }

    @Test func missingFolderIsAProblem() {
        let findings = DatabaseCheck(path: folder.path("none/refunds.db"), user: .current).findings()
        #expect(findings.map(\.gravity) == [.problem])
        #expect(findings[0].command?.hasPrefix("install -d ") == true)
    }

    @Test func folderThatTheUserMayNotWriteIsAProblem() throws {
        try make()
        let problems = findings(stranger).filter { $0.gravity == .problem }
        #expect(problems.contains { $0.text.contains("cannot create files in \(folder.path)") })
        #expect(problems.count == 1, "one cause has one finding")
        #expect(problems.allSatisfy { $0.command?.contains(":54321 \(folder.path)/ && chmod ") == true })
    }

    @Test func folderAboveThatTheUserMayNotEnterIsNamed() throws {
        let above = folder.path("srv")
        let inner = above + "/shop"
        try files.createDirectory(atPath: inner, withIntermediateDirectories: true)
        try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: inner)
        try files.setAttributes([.posixPermissions: 0o711], ofItemAtPath: folder.path("."))
        try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: above)
        defer { try? files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: above) }
        let check = DatabaseCheck(path: inner + "/shop.db", user: stranger)
        for found in [check.findings(), check.accessFindings()] {
            #expect(found.count == 1)
            #expect(found.first?.gravity == .problem)
            #expect(found.first?.text.hasPrefix("user 54321 cannot enter \(above) (mode 700)") == true)
            #expect(found.first?.command == "chmod o+x \(above)")
        }
    }

    @Test func fileThatTheUserMayNotWriteIsAProblem() throws {
        try make()
        try files.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
        try files.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        _ = try folder.write("", to: "refunds.db.lock")
        try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path + ".lock")
        let problems = findings(stranger).filter { $0.gravity == .problem }.map(\.text)
        #expect(problems == ["user 54321 cannot read and write \(path), \(path).lock"])
    }

    @Test func userOfTheFilesGroupCanServeThem() throws {
        try make()
        try share(0o2770, 0o660)
        #expect(findings(ServiceUser(id: 54_321, supplementary: [getegid()])).isEmpty)
    }

    @Test func adviceKeepsTheOwnerAndNamesTheGroupThatApplicationsShare() throws {
        try make()
        try share(0o2770, 0o600)
        let findings = findings(ServiceUser(id: 54_321, supplementary: [getegid()]))
        let owner = ServiceUser.login(of: geteuid()) ?? "\(geteuid())"
        let group = ServiceUser.name(ofGroup: getegid())
        #expect(findings.map(\.gravity) == [.problem])
        #expect(findings[0].command == "chown \(owner):\(group) \(path) && chmod 660 \(path)")
    }

    @Test func databaseThatOnlyItsOwnerCanUseInASharedFolderIsAWarning() throws {
        try make()
        try share(0o2770, 0o600)
        let findings = findings()
        #expect(findings.map(\.gravity) == [.warning])
        #expect(findings.first?.text.contains("cannot write \(path)") == true)
        #expect(findings.first?.command?.hasSuffix("&& chmod 660 \(path)") == true)
        try share(0o755, 0o600)
        #expect(self.findings().isEmpty, "nobody shares this folder")
    }

    private func share(_ folderMode: Int, _ mode: Int) throws {
        for (path, mode) in [(path, mode), (folder.path, folderMode)] {
            #expect(unsafe chown(path, geteuid(), getegid()) == 0)
            #expect(unsafe chmod(path, mode_t(mode)) == 0)
        }
    }

    @Test(arguments: ["mkdir", "mkfifo"])
    func whatIsNoFileIsAProblem(command: String) throws {
        for name in ["refunds.db", "refunds.db.lock"] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/\(command)")
            process.arguments = [folder.path(name)]
            try process.run()
            process.waitUntilExit()
            let found = findings().filter { $0.gravity == .problem }.map(\.text)
            #expect(found.contains("\(folder.path(name)) is not a regular file"))
            try files.removeItem(atPath: folder.path(name))
        }
    }

    @Test func fileThatIsNoDatabaseIsAProblem() throws {
        _ = try folder.write(String(repeating: "no database\n", count: 100), to: "refunds.db")
        #expect(findings().map(\.gravity) == [.problem])
    }

    @Test func queueThatIsGoneIsAProblemAndNotCreated() throws {
        _ = try folder.write("served\n", to: "refunds.db.lock")
        #expect(findings().map(\.gravity) == [.problem])
        #expect(findings()[0].text.contains("is gone"))
        #expect(!files.fileExists(atPath: path))
    }

    @Test func droppedGuardIsAWarning() throws {
        try make()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        process.arguments = [path, "DROP TRIGGER refund_queue_delete"]
        try process.run()
        process.waitUntilExit()
        #expect(findings().map(\.gravity) == [.warning])
        #expect(findings()[0].text.contains("refund_queue_delete"))
    }

    @Test func folderThatCannotBeWatchedIsAWarning() {
        #expect(WakeCheck.finding(folder: folder.path).gravity == .fine)
        #expect(WakeCheck.finding(folder: folder.path("none")).gravity == .warning)
    }
}
