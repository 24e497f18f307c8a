import Dispatch
import Foundation
import Glibc
import RefundCore
import RefundStore
import Synchronization

/// Detects commits of other processes to a SQLite database in WAL mode.
///
/// Every commit writes to the `-wal` file, which inotify reports without polling. The report arrives before the commit
/// is visible, and a check that finds a commit may have found an earlier one. So after each report the owner checks at
/// once and repeatedly over the next tenth of a second, whatever it finds. A slow periodic check covers file systems
/// without inotify events and a `-wal` file that SQLite created again. Without inotify, the checks are frequent, and
/// each tries to watch again.
///
/// The database and its `-wal` are never opened here: closing such a descriptor would drop SQLite's own locks.
/// Source: inotify(7); <https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>.
final class CommitWatcher: WakeSource {
    /// The waits between the checks after a report, in milliseconds.
    private static let waits = [1, 1, 2, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    /// The number of first waits to skip for a report during a chain of checks, and after a pause.
    private static let skippedWaits = 4
    private static let skippedWaitsAfterPause = 6
    private static let slowLook: DispatchTimeInterval = .seconds(2)
    private static let unwatchedLook: DispatchTimeInterval = .milliseconds(100)

    private struct State {
        var inotify: CInt = -1
        var reader: DispatchSource?
        var isUnwatched = false
        var watch: CInt = -1
        var inode: UInt64 = 0
        var step = waits.count
        var isScheduled = false
        var isPaused = false
        var isStopped = false
    }

    private let queue = DispatchQueue(label: "refundd.commits")
    private let walPath: String
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())
    private let report: @Sendable (StoreEvent) -> Void
    private let open: @Sendable () -> CInt
    private let ticker: DispatchSource

    /// Starts watching.
    ///
    /// - Parameters:
    ///   - databasePath: The database; links are followed, as in SQLite.
    ///   - wake: Called when there may be a new commit; it must not block.
    ///   - open: Opens an inotify instance, or returns -1 and sets `errno`.
    ///   - report: Called when commits can no longer be watched, once until they can be watched again.
    init(
        databasePath: String,
        wake: @escaping @Sendable () -> Void,
        open: @escaping @Sendable () -> CInt = { inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC)) },
        report: @escaping @Sendable (StoreEvent) -> Void = { _ in }
    ) {
        walPath = DatabasePath.real(databasePath) + "-wal"
        self.wake = wake
        self.open = open
        self.report = report
        // The protocols that these functions return are not Sendable; the only class behind them is.
        // swift-format-ignore: NeverForceUnwrap
        ticker = DispatchSource.makeTimerSource(queue: queue) as! DispatchSource
        ticker.schedule(deadline: .now() + Self.slowLook, repeating: Self.slowLook, leeway: .milliseconds(200))
        ticker.setEventHandler { [weak self] in self?.lookSlowly() }
        watchFile()
        // Releasing a source before activating it traps.
        ticker.activate()
    }

    deinit {
        stop()
    }

    // The owner's commit writes to the file many times, and each report would wake two threads. So nothing is reported
    // during a pause, and the checks after it find what it hid.
    package func pause() {
        state.withLock { state in
            state.isPaused = true
            report(IN_DELETE_SELF, &state)
        }
    }

    package func resume(looks: Bool) {
        state.withLock { state in
            state.isPaused = false
            report(IN_MODIFY, &state)
            if looks { state.step = min(state.step, Self.skippedWaitsAfterPause) }
        }
        if looks { lookAgain() }
    }

    /// Chooses what is reported about the file that is watched.
    private func report(_ events: Int32, _ state: inout State) {
        // Once the watcher has stopped, the descriptor may be closed.
        guard state.watch >= 0, !state.isStopped else { return }
        let watch = unsafe inotify_add_watch(state.inotify, walPath, UInt32(events))
        // If SQLite has created the file again, the next slow check watches the new one.
        if watch != state.watch { (state.watch, state.inode) = (watch, 0) }
    }

    package func stop() {
        let reader = state.withLock { state in
            state.isStopped = true
            return state.reader
        }
        ticker.cancel()
        reader?.cancel()
    }

    private func lookSlowly() {
        watchFile()
        if !state.withLock({ $0.isPaused }) { wake() }
    }

    // Watches the file that has the name now: SQLite creates a new one after the last connection was closed.
    private func watchFile() {
        var status = stat()
        let inode = unsafe stat(walPath, &status) == 0 ? UInt64(status.st_ino) : 0
        let failure: CInt? = state.withLock { state in
            guard !state.isStopped else { return nil }
            if state.inotify < 0 {
                state.inotify = open()
                guard state.inotify >= 0 else { return errno }
                state.reader = makeReader(state.inotify)
            }
            guard inode != 0, inode != state.inode else { return 0 }
            if state.watch >= 0 { inotify_rm_watch(state.inotify, state.watch) }
            state.watch = unsafe inotify_add_watch(state.inotify, walPath, UInt32(IN_MODIFY))
            state.inode = state.watch >= 0 ? inode : 0
            return state.watch >= 0 || errno == ENOENT ? 0 : errno
        }
        if let failure { note(failure) }
    }

    private func makeReader(_ inotify: CInt) -> DispatchSource? {
        let reader = DispatchSource.makeReadSource(fileDescriptor: inotify, queue: queue) as? DispatchSource
        reader?.setEventHandler { [weak self] in self?.reported(inotify) }
        // The descriptor must outlive the source, so the source closes it.
        reader?.setCancelHandler { close(inotify) }
        reader?.activate()
        return reader
    }

    private func note(_ failure: CInt) {
        let hasChanged = state.withLock { state in
            defer { state.isUnwatched = failure != 0 }
            return state.isUnwatched != (failure != 0)
        }
        guard hasChanged else { return }
        let interval = failure == 0 ? Self.slowLook : Self.unwatchedLook
        ticker.schedule(deadline: .now() + interval, repeating: interval, leeway: .milliseconds(20))
        if failure != 0 {
            let reason = "inotify: \(SystemError(code: failure))"
            let isForbidden = failure == EACCES || failure == EPERM
            let remedy = isForbidden ? "run: sudo refundd doctor" : "raise the limits fs.inotify.max_user_*"
            report(.commitsUnwatched(reason: reason, remedy: remedy))
        }
    }

    private func reported(_ inotify: CInt) {
        unsafe withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { buffer in
            while unsafe read(inotify, buffer.baseAddress, buffer.count) > 0 {}
        }
        let isPaused = state.withLock { state in
            // In a series of reports each causes a check; only the last needs the whole chain.
            if !state.isPaused { state.step = state.isScheduled ? min(state.step, Self.skippedWaits) : 0 }
            return state.isPaused
        }
        guard !isPaused else { return }
        wake()
        lookAgain()
    }

    // Runs one chain of checks at a time; a report during a chain restarts it.
    private func lookAgain() {
        let wait: Int? = state.withLock { state in
            guard !state.isStopped, !state.isScheduled, state.step < Self.waits.count else { return nil }
            state.isScheduled = true
            defer { state.step += 1 }
            return Self.waits[state.step]
        }
        guard let wait else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(wait)) { [weak self] in
            guard let self else { return }
            let isPaused = state.withLock { state in
                state.isScheduled = false
                return state.isPaused
            }
            guard !isPaused else { return }
            wake()
            lookAgain()
        }
    }
}
