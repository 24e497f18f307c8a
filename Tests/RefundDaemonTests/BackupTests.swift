import Foundation
import Glibc
import RefundConfiguration
import RefundCore
import RefundStore
import RefundStoreSQLite
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// `Backup` in a folder where another user puts something in place of the partial file.
struct BackupTests {
    private let fixture: QueueFixture
    private let keys: GatewayKeys

    init() throws {
        fixture = try QueueFixture()
        try fixture.enqueue("R-1")
        keys = try GatewayKeys(fixture.configuration())
    }

    private func backUp(to copy: String, replacing: () -> Void = {}) throws(CommandFailure) -> Verification {
        try Backup.make(of: fixture.store, to: copy, keys, isCreated: replacing)
    }

    /// Makes a backup whose partial file is replaced as soon as it exists.
    ///
    /// - Returns: The failure.
    private func failure(replacing: () -> Void) throws -> CommandFailure {
        let copy = fixture.folder.path("copy.db")
        let failure = try #require(throws: CommandFailure.self) { try backUp(to: copy, replacing: replacing) }
        #expect(failure.status == .database)
        #expect(failure.messages[0].contains("was deleted or replaced"), "\(failure.messages)")
        #expect(!FileManager.default.fileExists(atPath: copy))
        return failure
    }

    private func bytes(_ path: String) -> Data? { FileManager.default.contents(atPath: path) }

    @Test func copyIsOneFileOfItsOwnerThatNeedsNoOther() throws {
        let copy = fixture.folder.path("copy.db")
        #expect(try backUp(to: copy).problemCount == 0)
        var status = stat()
        #expect(unsafe stat(copy, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(bytes(copy)?[18...19] == Data([1, 1]), "a rollback journal, which a reader need not create")
        let store = try SQLiteStore(path: copy, access: .readOnly)
        #expect(try store.read { tx throws(StoreError) in try tx.refund(id: 1)?.refund.merchantOrderNo } == "R-1")
        store.close()
        for suffix in [".partial", ".partial-journal", "-wal", "-shm"] {
            #expect(!FileManager.default.fileExists(atPath: copy + suffix), "\(suffix)")
        }
    }

    @Test func symbolicLinkInPlaceOfThePartialFileIsNotFollowed() throws {
        let victim = try fixture.folder.write("", to: "victim")
        let partial = fixture.folder.path("copy.db.partial")
        let failure = try failure {
            unsafe unlink(partial)
            unsafe symlink(victim, partial)
        }
        #expect(bytes(victim) == Data(), "not a byte is written")
        #expect(failure.messages[1].contains("was deleted or replaced by another process"))
        #expect((try? FileManager.default.destinationOfSymbolicLink(atPath: partial)) == victim, "not ours to remove")
    }

    @Test(arguments: [true, false])
    func whatHasTheNameOfThePartialFileIsLeftAlone(isLink: Bool) throws {
        let victim = try fixture.folder.write("theirs", to: "victim")
        let partial = fixture.folder.path("copy.db.partial")
        #expect(unsafe (isLink ? symlink(victim, partial) : link(victim, partial)) == 0)
        let failure = try #require(throws: CommandFailure.self) { try backUp(to: fixture.folder.path("copy.db")) }
        #expect(failure.messages[0].contains("already exists"), "\(failure.messages)")
        #expect(bytes(victim) == Data("theirs".utf8))
    }

    @Test func symbolicLinkToAnotherDatabaseIsNotFollowed() throws {
        let other = try QueueFixture()
        let before = bytes(other.store.path)
        let partial = fixture.folder.path("copy.db.partial")
        _ = try failure {
            unsafe unlink(partial)
            unsafe symlink(other.store.path, partial)
        }
        #expect(bytes(other.store.path) == before)
    }

    @Test func hardLinkInPlaceOfThePartialFileIsNotWritten() throws {
        let victim = try fixture.folder.write("", to: "victim")
        let partial = fixture.folder.path("copy.db.partial")
        _ = try failure {
            unsafe unlink(partial)
            unsafe link(victim, partial)
        }
        #expect(bytes(victim) == Data())
    }

    @Test func anotherUsersFileInPlaceOfThePartialFileDoesNotGetTheCopy() throws {
        let partial = fixture.folder.path("copy.db.partial")
        _ = try failure {
            unsafe unlink(partial)
            _ = try? fixture.folder.write("", to: "copy.db.partial")
        }
        #expect(bytes(partial) == Data())
    }

    @Test func folderThatIsReplacedRedirectsNothing() throws {
        let (folder, moved) = (fixture.folder.path("backups"), fixture.folder.path("moved"))
        let elsewhere = fixture.folder.path("elsewhere")
        for folder in [folder, elsewhere] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        }
        let failure = try #require(throws: CommandFailure.self) {
            try backUp(to: folder + "/copy.db") {
                unsafe rename(folder, moved)
                unsafe symlink(elsewhere, folder)
            }
        }
        #expect(failure.status == .database)
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere) == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: moved) == [], "the partial file is removed")
    }

    @Test func fileThatTakesTheCopysNameMeanwhileIsNotReplaced() throws {
        let copy = fixture.folder.path("copy.db")
        let failure = try #require(throws: CommandFailure.self) {
            try backUp(to: copy) { _ = try? fixture.folder.write("mine", to: "copy.db") }
        }
        #expect(failure.status == .failed)
        #expect(bytes(copy) == Data("mine".utf8))
    }
}
