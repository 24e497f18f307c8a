import Foundation
import RefundCore
import RefundPostgres
import RefundStore
import Synchronization

/// Keeps a daemon among those that serve the queue, and wakes it when others have committed, on a connection and a
/// thread of its own: a stuck cycle does not stop its heartbeats.
///
/// `NOTIFY` slows every insert of every application down, so the server sends it only while a daemon says that it
/// sleeps. A daemon that runs one cycle after the other sees whatever is committed anyway.
final class Listener: WakeSource {
    // A daemon that has run no cycle for this long sleeps.
    private static let restAfter: Duration = .milliseconds(25)
    // A commit that asked just before the daemon said that it sleeps ends within this time.
    private static let secondLook: Duration = .milliseconds(30)
    private static let heartbeat: Duration = .seconds(5)
    // How often to look whether another daemon was killed.
    private static let watch: Duration = .milliseconds(500)
    private static let countInterval: Duration = .milliseconds(100)
    // How often to look if no notification arrives.
    private static let poll: Duration = .milliseconds(250)
    private static let (firstRetry, longestRetry): (Duration, Duration) = (.milliseconds(250), .seconds(5))
    // A daemon that runs more cycles than this between two heartbeats is at work.
    private static let busyCycles = 100
    // How long a start waits for the daemon to be registered.
    private static let patience: Duration = .seconds(5)

    private let session: Session
    private let description: ServingNote
    private let wake: @Sendable () -> Void
    private let report: @Sendable (StoreEvent) -> Void
    private let doorbell = Interruption()
    private let firstAttempt = DispatchSemaphore(value: 0)
    private let isSilent = Atomic(false)
    private let isStopped = Atomic(false)
    private let hasNews = Atomic(true)
    private let cycles = Atomic(0)
    private let isRegistered = Atomic(false)
    // Drawn at random: a sequence may repeat itself after a failover to a standby that lagged behind.
    private let id = Int64.random(in: 1...Int64(Int32.max))

    /// Joins the daemons, and begins to listen; returns once that has succeeded or failed for the first time.
    ///
    /// - Parameters:
    ///   - session: Makes connections.
    ///   - description: What the daemon says about itself.
    ///   - wake: Called after a commit, now and then without one, and often while there is no connection.
    ///   - report: Called when the connection is lost, once until there is one again, and when another daemon is gone.
    init(
        _ session: Session,
        _ description: ServingNote,
        wake: @escaping @Sendable () -> Void,
        report: @escaping @Sendable (StoreEvent) -> Void
    ) {
        (self.session, self.description, self.wake, self.report) = (session, description, wake, report)
        let thread = Thread { [self] in run() }
        thread.name = "refundd.listener"
        thread.start()
        _ = firstAttempt.wait(timeout: .now() + Self.patience.inSeconds)
    }

    /// The daemon's id, which its claims bear; nil until it is registered.
    var daemonID: Int64? { isRegistered.load(ordering: .relaxed) ? id : nil }

    /// Whether others may have committed since the last call; true the first time.
    func takeNews() -> Bool { hasNews.exchange(false, ordering: .relaxed) }

    /// A cycle reads the queue anyway, and its own commit sends no notification: only other cycles' rows do.
    func pause() {}

    func resume(looks: Bool) { cycles.add(1, ordering: .relaxed) }

    /// Wakes nobody any more; the daemon stays registered until its store is closed.
    func stop() { isSilent.store(true, ordering: .relaxed) }

    /// Leaves the daemons that serve the queue.
    func leave() {
        isStopped.store(true, ordering: .relaxed)
        doorbell.interrupt()
    }

    // MARK: - The thread

    private var mayRun: Bool { !isStopped.load(ordering: .relaxed) }

    private func look() {
        hasNews.store(true, ordering: .relaxed)
        if !isSilent.load(ordering: .relaxed) { wake() }
    }

    private func run() {
        var (isReported, wait) = (false, Self.firstRetry)
        while mayRun {
            do {
                try serve { isListening in
                    if !isListening, !isReported { reportUnwatched(Pooler.reason, Pooler.remedy) }
                    (isReported, wait) = (!isListening, Self.firstRetry)
                    firstAttempt.signal()
                }
            } catch {
                firstAttempt.signal()
                if mayRun, !isReported {
                    reportUnwatched("\(error)", "\(ConnectionRemedy(for: "\(error)"))")
                    isReported = true
                }
                if mayRun { look() }
                Thread.sleep(forTimeInterval: wait.inSeconds)
                wait = min(wait * 2, Self.longestRetry)
            }
        }
    }

    private func reportUnwatched(_ reason: String, _ remedy: String) {
        report(.commitsUnwatched(reason: reason, remedy: remedy))
    }

    private func serve(_ connected: (_ isListening: Bool) -> Void) throws(PostgresError) {
        let connection = try session.connect(doorbell)
        let registration = try Registration(connection, description, id: id)
        let isBack = isRegistered.exchange(true, ordering: .relaxed)
        let isListening = try registration.isListening()
        connected(isListening)
        defer { if !mayRun { try? registration.end() } }
        var others = try registration.others()
        var (isAsleep, secondLook, seen) = (false, nil as ContinuousClock.Instant?, cycles.load(ordering: .relaxed))
        let start = ContinuousClock.now
        var (nextBeat, nextWatch, nextCount) = (start + Self.heartbeat, start, start)
        // Whether another daemon may have joined, which sends a notification.
        var mayHaveJoined = false
        // If this daemon lost its server, so did the others, which need time to connect again.
        if isBack { nextWatch += Registration.patience }
        while mayRun {
            var end = others > 0 ? min(nextBeat, nextWatch) : nextBeat
            if !isListening { end = min(end, .now + Self.poll) }
            if mayHaveJoined { end = min(end, nextCount) }
            if let time = isAsleep ? secondLook : .now + Self.restAfter { end = min(end, time) }
            if try isNotified(connection, until: end) {
                look()
                mayHaveJoined = true
            }
            // Under load, notifications come one after the other.
            if mayHaveJoined, ContinuousClock.now >= nextCount {
                (mayHaveJoined, nextCount) = (false, .now + Self.countInterval)
                others = try registration.others()
            }
            if !isListening { look() }
            let (now, count) = (ContinuousClock.now, cycles.load(ordering: .relaxed))
            if now >= nextBeat {
                nextBeat = now + Self.heartbeat
                let isBusy = count - seen > Self.busyCycles
                (isAsleep, seen) = (isAsleep && !isBusy, count)
                try beat(registration, isAsleep: isAsleep && isListening)
                others = try registration.others()
                // Looks even if nothing was heard: a lost notification costs five seconds, not a refund.
                look()
            } else if !isAsleep {
                if count == seen {
                    (isAsleep, secondLook) = (true, now + Self.secondLook)
                    if isListening { try beat(registration, isAsleep: true) }
                    look()
                }
                seen = count
            } else if let time = secondLook, now >= time {
                secondLook = nil
                look()
            }
            if others > 0, now >= nextWatch {
                nextWatch = now + Self.watch
                try takeOver(registration)
            }
        }
    }

    // Leaving interrupts the wait, and still needs the connection.
    private func isNotified(
        _ connection: PostgresConnection,
        until end: ContinuousClock.Instant
    ) throws(PostgresError) -> Bool {
        do throws(PostgresError) {
            return try connection.awaitNotification(of: session.schema, until: end)
        } catch {
            guard error.kind == .interrupted else { throw error }
            return false
        }
    }

    // What was in flight has no effect any more; new claims have.
    private func beat(_ registration: Registration, isAsleep: Bool) throws(PostgresError) {
        guard try !registration.beat(isAsleep: isAsleep) else { return }
        report(.takenForDead)
        try registration.join()
    }

    private func takeOver(_ registration: Registration) throws(PostgresError) {
        do throws(PostgresError) {
            let dead = try registration.takeOver()
            for daemon in dead { report(.tookOver(daemon: daemon.name, claims: daemon.claims)) }
            if !dead.isEmpty { look() }
        } catch {
            // A row that somebody holds for longer than a statement may wait is free the next time.
            guard case .refused = error.kind else { throw error }
        }
    }
}
