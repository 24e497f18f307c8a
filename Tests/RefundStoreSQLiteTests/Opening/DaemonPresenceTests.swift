import Foundation
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundTestSupport
import Testing

@testable import RefundStoreSQLite

/// What a command sees of the daemon.
struct DaemonPresenceTests {
    private let folder: TemporaryFolder
    private let path: String
    private let daemon = ServingDaemon(pid: 4_711, version: "1.2.3", since: now)

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("refunds.db")
    }

    @Test func databaseThatNobodyServesHasNoDaemonAndGetsNoLockFile() {
        #expect(DaemonPresence(database: path) == .absent)
        #expect(!FileManager.default.fileExists(atPath: path + ".lock"))
    }

    @Test func daemonIsDescribedWhileItServes() throws {
        do {
            let lock = try DaemonLock.taken(path)
            #expect(DaemonPresence(database: path) == .running(nil), "it only starts")
            lock.noteServing(daemon)
            #expect(!lock.wasServed, "it has not served yet")
            lock.noteServed()
            lock.noteServing(daemon)
            #expect(DaemonPresence(database: path) == .running(daemon))
            #expect(lock.wasServed && !lock.isSuspect)
        }
        #expect(DaemonPresence(database: path) == .absent)
    }

    @Test func daemonThatHasServedBeforeStartsUntilItSaysThatItServes() throws {
        let lock = try DaemonLock.taken(path)
        lock.noteServed()
        var starting = daemon
        starting.isStarting = true
        lock.noteServing(starting)
        #expect(DaemonPresence(database: path) == .running(starting))
        #expect(DaemonPresence(database: path).isStarting)
        lock.noteServing(daemon)
        #expect(!DaemonPresence(database: path).isStarting)
    }

    @Test func commandIsNoDaemon() throws {
        let lock = try DaemonLock.taken(path, for: .command)
        #expect(DaemonPresence(database: path) == .absent)
        withExtendedLifetime(lock) {}
    }

    @Test func distrustOutlivesItsDaemonAndReplacesItsDescription() throws {
        #expect(DaemonPresence.distrust(ofDatabase: path) == nil)
        let lock = try DaemonLock.taken(path)
        lock.noteServed()
        lock.noteServing(daemon)
        #expect(DaemonPresence.distrust(ofDatabase: path) == nil)
        lock.markSuspect(because: "it is damaged")
        lock.noteServing(daemon)
        #expect(DaemonPresence.distrust(ofDatabase: path) == "it is damaged")
        #expect(DaemonPresence(database: path) == .running(nil))
        #expect(lock.isSuspect)
    }

    @Test(arguments: ["", "served\n", "served\npid x\nversion 1\nsince 2026-11-22T03:04:05Z\n", "served\npid 1\n"])
    func otherTextDescribesNoDaemon(text: String) {
        #expect(ServingDaemon(parsing: text) == nil)
    }
}
