import Foundation
import Glibc
import RefundStore
import RefundStoreConformance
import RefundStoreSQLite
import RefundTestSupport
import Synchronization
import Testing

struct DaemonLockTests {
    private let folder: TemporaryFolder
    private let path: String
    private let files = FileManager.default

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
        try "".write(toFile: path, atomically: false, encoding: .utf8)
    }

    private func expectServed(_ path: String) throws {
        let error = try #require(throws: StoreError.self) { try DaemonLock.taken(path) }
        #expect(error.kind == .alreadyServed)
        #expect(error.description.contains("another refundd serves the database \(path)"))
    }

    /// Takes a lock that was given back: a program that another test starts meanwhile shares it until it begins.
    private func take(_ path: String) throws -> DaemonLock {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do {
                return try DaemonLock.taken(path)
            } catch {
                guard ContinuousClock.now < deadline else { throw error }
                Thread.sleep(forTimeInterval: 0.001)
            }
        }
    }

    @Test func oneDaemonServesADatabase() throws {
        let lock = try DaemonLock.taken(path)
        try expectServed(path)
        try expectServed(path)
        let other = try DaemonLock.taken(folder.path("other.db"))
        withExtendedLifetime((lock, other)) {}
    }

    @Test func anotherProcessIsKeptOutAndKeepsUsOut() throws {
        let program = """
            import fcntl
            lock = open(sys.argv[1] + ".lock", "a")
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            """
        let holder = try Holder(program, path)
        try expectServed(path)
        holder.letGo()
        let lock = try DaemonLock.taken(path)
        #expect(throws: Command.Failure.self) { try Holder(program + " ", path) }
        withExtendedLifetime(lock) {}
    }

    @Test func itEndsWithItsHolderAndItsFileStays() throws {
        var lock: DaemonLock? = try DaemonLock.taken(path)
        try expectServed(path)
        withExtendedLifetime(lock) {}
        lock = nil
        #expect(files.fileExists(atPath: path + ".lock"))
        lock = try take(path)
        try expectServed(path)
        withExtendedLifetime(lock) {}
    }

    @Test func programThatTheDaemonStartedDoesNotInheritIt() throws {
        var lock: DaemonLock? = try DaemonLock.taken(path)
        let child = try Holder("", path)
        withExtendedLifetime(lock) {}
        lock = nil
        lock = try take(path)
        child.letGo()
        withExtendedLifetime(lock) {}
    }

    @Test func linkIsTheSameDatabase() throws {
        try files.createSymbolicLink(atPath: folder.path("link.db"), withDestinationPath: path)
        try files.createSymbolicLink(atPath: folder.path("relative.db"), withDestinationPath: "refunds.db")
        try files.createSymbolicLink(atPath: folder.path("chain.db"), withDestinationPath: "link.db")
        try files.createSymbolicLink(atPath: folder.path("folder"), withDestinationPath: folder.path)
        let names = ["link.db", "relative.db", "chain.db", "folder/refunds.db", "folder/link.db", "./refunds.db"]
        for name in names {
            let lock = try take(folder.path("") + name)
            try expectServed(path)
            for name in names { try expectServed(folder.path("") + name) }
            withExtendedLifetime(lock) {}
        }
    }

    @Test func linkToAFileThatIsStillToBeMadeIsTheSameDatabase() throws {
        let link = folder.path("link.db")
        let target = folder.path("new.db")
        try files.createSymbolicLink(atPath: link, withDestinationPath: target)
        let lock = try DaemonLock.taken(link)
        try expectServed(target)
        withExtendedLifetime(lock) {}
    }

    @Test func folderThatIsMissingIsReportedWithItsPlace() throws {
        let error = try #require(throws: StoreError.self) {
            try DaemonLock.taken(folder.path("none/refunds.db"))
        }
        #expect(error.kind == .cannotOpen)
        #expect(error.location == folder.path("none/refunds.db.lock"))
    }

    @Test(arguments: [0o600, 0o660, 0o644])
    func whoeverMayWriteTheDatabaseMayTakeTheLock(mode: Int) throws {
        try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let lock = try DaemonLock.taken(path)
        let attributes = try files.attributesOfItem(atPath: path + ".lock")
        #expect(attributes[.posixPermissions] as? Int == mode)
        withExtendedLifetime(lock) {}
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func lockThatRootMakesBelongsToTheDatabasesOwner() throws {
        try files.setAttributes([.ownerAccountID: 12_345, .groupOwnerAccountID: 23_456], ofItemAtPath: path)
        let lock = try DaemonLock.taken(path)
        let attributes = try files.attributesOfItem(atPath: path + ".lock")
        #expect(attributes[.ownerAccountID] as? Int == 12_345)
        #expect(attributes[.groupOwnerAccountID] as? Int == 23_456)
        withExtendedLifetime(lock) {}
    }

    @Test(arguments: ["ln -s", "ln", "mkfifo", "mkdir"])
    func whatIsNoLockFileIsRefusedAndLeftAlone(command: String) throws {
        let precious = folder.path("precious")
        try "root:*\n".write(toFile: precious, atomically: false, encoding: .utf8)
        try files.setAttributes([.posixPermissions: 0o640], ofItemAtPath: precious)
        try files.setAttributes([.posixPermissions: 0o660], ofItemAtPath: path)
        if geteuid() == 0 { try files.setAttributes([.ownerAccountID: 12_345], ofItemAtPath: path) }
        let arguments = command.split(separator: " ").map(String.init) + (command.hasPrefix("ln") ? [precious] : [])
        try #require(try Command.run(arguments + [path + ".lock"]).status == 0)
        let before = try files.attributesOfItem(atPath: precious)

        let error = try #require(throws: StoreError.self) { try DaemonLock.taken(path) }
        #expect(error.description.contains("\(path).lock") && error.description.contains("remove it"), "\(error)")
        let after = try files.attributesOfItem(atPath: precious)
        #expect(after[.posixPermissions] as? Int == 0o640)
        #expect(after[.ownerAccountID] as? Int == before[.ownerAccountID] as? Int)
        #expect(try String(contentsOfFile: precious, encoding: .utf8) == "root:*\n")
    }

    @Test func linkToNothingIsRefusedAndNothingIsMade() throws {
        try files.createSymbolicLink(atPath: path + ".lock", withDestinationPath: folder.path("none"))
        #expect(throws: StoreError.self) { try DaemonLock.taken(path) }
        #expect(!files.fileExists(atPath: folder.path("none")))
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away"))
    func lockThatIsThereKeepsItsOwnerAndMode() throws {
        try files.setAttributes([.ownerAccountID: 12_345, .posixPermissions: 0o660], ofItemAtPath: path)
        try "".write(toFile: path + ".lock", atomically: false, encoding: .utf8)
        try files.setAttributes([.ownerAccountID: 34_567, .posixPermissions: 0o600], ofItemAtPath: path + ".lock")
        let lock = try DaemonLock.taken(path)
        let attributes = try files.attributesOfItem(atPath: path + ".lock")
        #expect(attributes[.ownerAccountID] as? Int == 34_567)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        withExtendedLifetime(lock) {}
    }

    // Each holder takes its file away, so that another may have opened what is no longer there.
    @Test func fileThatWasReplacedBeforeItWasLockedIsNotTheLock() throws {
        let failures = concurrently(4) { [path] _ in
            for _ in 0..<2_000 {
                guard let lock = try? DaemonLock.taken(path) else { continue }
                try FileManager.default.removeItem(atPath: path + ".lock")
                withExtendedLifetime(lock) {}
            }
        }
        #expect(failures.isEmpty, "\(failures)")
    }

    // MARK: - Commands

    @Test func commandsAndTheDaemonKeepEachOtherOut() throws {
        var holder: DaemonLock? = try DaemonLock.taken(path, for: .command)
        try expectServed(path)
        #expect(throws: StoreError.self) { try DaemonLock.taken(path, for: .command) }
        withExtendedLifetime(holder) {}
        holder = nil
        holder = try take(path)
        #expect(throws: StoreError.self) { try DaemonLock.taken(path, for: .command) }
        withExtendedLifetime(holder) {}
    }

    @Test func heldLockTellsWhetherACommandOrADaemonHasIt() throws {
        let command = try DaemonLock.taken(path, for: .command)
        guard case .heldByCommand = try DaemonLock.attempt(path, for: .daemon) else {
            Issue.record("a daemon would not wait for the command")
            return
        }
        withExtendedLifetime(command) {}
        let other = folder.path("other.db")
        let daemon = try DaemonLock.taken(other)
        guard case .heldByDaemon = try DaemonLock.attempt(other, for: .daemon) else {
            Issue.record("a daemon would wait for another daemon")
            return
        }
        withExtendedLifetime(daemon) {}
    }

    // MARK: - What its file says

    @Test func databaseWasServedOnceThatIsRecorded() throws {
        for wasServed in [false, true, true] {
            let lock = try DaemonLock.taken(path)
            #expect(lock.wasServed == wasServed)
            lock.noteServed()
        }
        try take(path).markSuspect(because: "it is damaged")
        #expect(try take(path).wasServed)
    }
}

extension DaemonLock {
    /// Takes the lock at once, or fails as the daemon would.
    static func taken(_ path: String, for holder: Holder = .daemon) throws(StoreError) -> DaemonLock {
        guard case .taken(let taken) = try attempt(path, for: holder), let lock = taken as? DaemonLock else {
            throw .alreadyServed(path)
        }
        return lock
    }
}
