import Foundation
import Glibc
import RefundStore
import RefundTestSupport
import Synchronization
import Testing

@testable import RefundStoreSQLite

@Suite(.timeLimit(.minutes(1)))
struct CommitWatcherTests {
    private let folder: TemporaryFolder
    private let database: String

    init() throws {
        folder = try TemporaryFolder()
        database = folder.path("queue.db")
        try Data().write(to: URL(fileURLWithPath: database))
    }

    private func write(_ text: String) throws {
        let path = database + "-wal"
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }

    @Test func writeToTheWALIsFollowedByLooksForAWhile() async throws {
        try write("first")
        let (looks, continuation) = AsyncStream<Void>.makeStream()
        let watcher = CommitWatcher(databasePath: database) { continuation.yield() }
        try write("second")
        var seen = 0
        for await _ in looks {
            seen += 1
            // One look at the report, and twelve more whatever they find.
            if seen == 13 { break }
        }
        #expect(seen == 13)
        watcher.stop()
    }

    @Test func databaseReachedThroughALinkIsWatchedAtItsRealWAL() async throws {
        try write("first")
        let link = folder.path("link.db")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: database)
        let (looks, continuation) = AsyncStream<Void>.makeStream()
        let watcher = CommitWatcher(databasePath: link) { continuation.yield() }
        try write("second")
        for await _ in looks { break }
        watcher.stop()
    }

    @Test func newWALIsWatchedAfterTheSlowLook() async throws {
        let (looks, continuation) = AsyncStream<Void>.makeStream()
        let watcher = CommitWatcher(databasePath: database) { continuation.yield() }
        try write("first")
        for await _ in looks { break }
        try write("second")
        var seen = 0
        for await _ in looks {
            seen += 1
            if seen == 13 { break }
        }
        #expect(seen == 13)
        watcher.stop()
    }

    @Test func writesDuringAPauseAreNotReported() async throws {
        try write("first")
        let isPaused = Mutex(false)
        let (looks, continuation) = AsyncStream<Bool>.makeStream()
        let watcher = CommitWatcher(databasePath: database) { continuation.yield(isPaused.withLock { $0 }) }
        watcher.pause()
        isPaused.withLock { $0 = true }
        // Another watcher of the same file shows that the kernel has reported the writes.
        let (others, otherContinuation) = AsyncStream<Void>.makeStream()
        let other = CommitWatcher(databasePath: database) { otherContinuation.yield() }
        for number in 0..<100 { try write("\(number)") }
        for await _ in others { break }
        other.stop()
        isPaused.withLock { $0 = false }
        watcher.resume(looks: false)
        try write("after")
        for await wasPaused in looks {
            #expect(!wasPaused)
            break
        }
        watcher.stop()
    }

    @Test func pauseIsFollowedByLooks() async throws {
        try write("first")
        let (looks, continuation) = AsyncStream<Void>.makeStream()
        let watcher = CommitWatcher(databasePath: database) { continuation.yield() }
        watcher.pause()
        try write("second")
        watcher.resume(looks: true)
        var seen = 0
        for await _ in looks {
            seen += 1
            if seen == 6 { break }
        }
        #expect(seen == 6)
        watcher.stop()
    }

    @Test(arguments: [
        (EMFILE, "Too many open files", "raise the limits fs.inotify.max_user_*"),
        (EACCES, "Permission denied", "run: sudo refundd doctor"),
    ])
    func failureToWatchIsReportedOnceAndTriedAgain(code: CInt, text: String, remedy: String) async throws {
        try write("first")
        let attempts = Mutex(0)
        let (events, reports) = AsyncStream<StoreEvent>.makeStream()
        let (looks, continuation) = AsyncStream<Void>.makeStream()
        let isWatching = Mutex(false)
        let watcher = CommitWatcher(
            databasePath: database,
            wake: { continuation.yield() },
            open: {
                let attempt = attempts.withLock { attempts in
                    attempts += 1
                    return attempts
                }
                guard attempt > 3 else {
                    errno = code
                    return -1
                }
                isWatching.withLock { $0 = true }
                return inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
            },
            report: { reports.yield($0) }
        )
        // Without inotify, a look follows a look until watching succeeds.
        var seen = 0
        for await _ in looks {
            seen += 1
            if isWatching.withLock({ $0 }) { break }
        }
        #expect(seen <= 3)
        reports.finish()
        let reported = await events.reduce(into: []) { $0.append($1) }
        #expect(reported == [.commitsUnwatched(reason: "inotify: \(text)", remedy: remedy)])
        try write("second")
        seen = 0
        for await _ in looks {
            seen += 1
            if seen == 13 { break }
        }
        watcher.stop()
    }
}
