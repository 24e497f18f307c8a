import Foundation
import Glibc
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// Who may write a database that was not there before.
struct NewDatabaseTests {
    private let folder: TemporaryFolder
    private let path: String
    private let files = FileManager.default

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    private func mode(of path: String) throws -> Int? {
        try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func make(_ path: String) throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        store.close()
    }

    @Test(arguments: [(0o2770, 0o660), (0o2775, 0o664), (0o2777, 0o664), (0o2755, 0o644), (0o2750, 0o640)])
    func whoeverMayMakeFilesInAFolderThatHandsItsGroupOnMayWrite(folderMode: Int, mode: Int) throws {
        try files.setAttributes([.posixPermissions: folderMode], ofItemAtPath: folder.path)
        try make(path)
        #expect(try self.mode(of: path) == mode)
    }

    @Test func umaskDecidesElsewhere() throws {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("Umask:") })
        let umask = try #require(Int(line.dropFirst(6).trimmingCharacters(in: .whitespaces), radix: 8))
        try make(path)
        #expect(try mode(of: path) == 0o664 & ~umask)
    }

    @Test func modeOfAFileThatIsThereStays() throws {
        try files.setAttributes([.posixPermissions: 0o2770], ofItemAtPath: folder.path)
        #expect(files.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]))
        try make(path)
        #expect(try mode(of: path) == 0o600)
    }

    @Test func fileThatALinkNamesIsMade() throws {
        try files.setAttributes([.posixPermissions: 0o2770], ofItemAtPath: folder.path)
        let link = folder.path("link.db")
        try files.createSymbolicLink(atPath: link, withDestinationPath: path)
        try make(link)
        #expect(try mode(of: path) == 0o660)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func fileThatRootMakesBelongsToTheFoldersOwner() throws {
        let owners: [FileAttributeKey: Any] = [.ownerAccountID: 12_345, .groupOwnerAccountID: 23_456]
        try files.setAttributes(owners, ofItemAtPath: folder.path)
        try make(path)
        let attributes = try files.attributesOfItem(atPath: path)
        #expect(attributes[.ownerAccountID] as? Int == 12_345)
        #expect(attributes[.groupOwnerAccountID] as? Int == 23_456)
    }
}
