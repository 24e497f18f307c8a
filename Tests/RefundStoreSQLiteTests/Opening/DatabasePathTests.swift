import Foundation
import Glibc
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// Whatever name leads to a database, it has one `-wal` and one lock.
struct DatabasePathTests {
    private let folder: TemporaryFolder
    private let files = FileManager.default

    init() throws {
        folder = try TemporaryFolder()
    }

    private func initialise(_ path: String) throws {
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        store.close()
    }

    @Test func parentOfALinkedFolderIsTheOneThatTheKernelFinds() throws {
        try files.createDirectory(atPath: folder.path("data/current"), withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "data/current")
        let path = folder.path("link/../refunds.db")
        let lock = try DaemonLock.taken(path)
        let store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: now)
        #expect(files.fileExists(atPath: folder.path("data/refunds.db-wal")))
        #expect(!files.fileExists(atPath: folder.path("refunds.db-wal")))
        #expect(throws: StoreError.self) { try DaemonLock.taken(folder.path("data/refunds.db")) }
        #expect(throws: StoreError.self) { try DaemonLock.taken(folder.path("data/current/../refunds.db")) }
        withExtendedLifetime((lock, store)) {}
    }

    @Test func linkWithAParentInItLeadsWhereTheKernelFollowsIt() throws {
        try files.createDirectory(atPath: folder.path("data/current"), withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "data/current")
        try files.createSymbolicLink(atPath: folder.path("refunds.db"), withDestinationPath: "link/../new.db")
        let missing = DatabasePath.real(folder.path("refunds.db"))
        #expect(missing == DatabasePath.real(folder.path("data")) + "/new.db")
        try initialise(folder.path("refunds.db"))
        #expect(files.fileExists(atPath: folder.path("data/new.db")))
        #expect(DatabasePath.real(folder.path("refunds.db")) == missing)
    }

    @Test func databaseReachedThroughADescriptorIsTheSameAndIsMissedOnceItIsDeleted() throws {
        let path = folder.path("refunds.db")
        try initialise(path)
        let file = unsafe open(path, O_RDWR | O_CLOEXEC)
        defer { close(file) }
        let lock = try DaemonLock.taken("/proc/self/fd/\(file)")
        #expect(throws: StoreError.self) { try DaemonLock.taken(path) }
        let store = try SQLiteStore(path: "/proc/self/fd/\(file)", access: .existing)
        try store.execute()
        #expect(files.fileExists(atPath: path + "-wal"))
        try files.removeItem(atPath: path)
        let error = #expect(throws: StoreError.self) { try store.execute() }
        #expect(error?.kind == .lost)
        withExtendedLifetime(lock) {}
    }

    @Test func linkThatLeadsInACircleHasNoRealPath() throws {
        try files.createSymbolicLink(atPath: folder.path("a"), withDestinationPath: "b")
        try files.createSymbolicLink(atPath: folder.path("b"), withDestinationPath: "a")
        let error = #expect(throws: StoreError.self) {
            try SQLiteStore(path: folder.path("a"), access: .readWrite)
        }
        #expect(error?.kind == .cannotOpen)
    }

    @Test(arguments: [StoreAccess.readWrite, .existing, .readOnly])
    func databaseWithASecondNameIsRefused(access: StoreAccess) throws {
        let (path, other) = (folder.path("refunds.db"), folder.path("other.db"))
        try initialise(path)
        try files.linkItem(atPath: path, toPath: other)
        for path in [path, other] {
            let error = try #require(throws: StoreError.self) { try SQLiteStore(path: path, access: access) }
            #expect(error.kind == .cannotOpen)
            #expect(error.description.contains("has 2 names (hard links)"))
            #expect(!files.fileExists(atPath: path + "-wal"))
        }
        try files.removeItem(atPath: other)
        try initialise(path)
    }

    @Test func fileThatIsMountedAloneIsRecognised() {
        let table = #"""
            22 26 0:20 / /proc rw,nosuid - proc proc rw
            30 26 8:1 /srv/my\040queue.db /data/my\040queue.db rw,relatime shared:1 - ext4 /dev/sda1 rw
            """#
        #expect(DatabasePath.isMountPoint("/data/my queue.db", in: table))
        #expect(!DatabasePath.isMountPoint("/data", in: table))
        #expect(!DatabasePath.isMountPoint("/srv/my queue.db", in: table))
        let error = #expect(throws: StoreError.self) {
            try DatabasePath.requireShareable("queue.db", real: "/proc")
        }
        #expect(error?.description.contains("mount its folder instead") == true)
    }
}
