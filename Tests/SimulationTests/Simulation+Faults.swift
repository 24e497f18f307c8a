import RefundCore
import RefundStore

@testable import RefundScheduler

/// How another process holds the lock for writing while the daemon runs a cycle.
enum ForeignLock {
    /// The transaction begins late, or its commit takes long: between a claim and its sending, time passes.
    case waits(before: Duration, after: Duration)
    /// The lock is held for longer than the daemon waits, and no cycle succeeds until then.
    case fails(until: Timestamp)
}

/// An older copy of the database, and what was known when it was made.
struct SavedDatabase {
    let orders: [Int64: SimulatedApplication.Order]
    let ledger: LedgerInvariants.Progress
    let latest: [Int64: Int]
    let verdicts: [Int64: RefundState]
    let wanted: [Int64: Timestamp]
    let pauses: Set<Peer>
}

// Faults that come from the machine and from the database's other users.
extension Simulation {
    func planFaults() {
        for _ in 0..<scenario.clockSettings {
            let offset = random.pick([
                Duration.minutes(10), .minutes(-10), .minutes(50), .minutes(-50), .hours(1), .hours(-1), .hours(-9),
                .hours(9), .days(1),
            ])
            let time = randomTime()
            queue.add(at: time) { self.setClock(ahead: offset) }
            queue.add(at: time.advanced(by: random.duration(.minutes(1), .hours(1)))) { self.setClock(ahead: .zero) }
        }
        for _ in 0..<scenario.locks {
            queue.add(at: randomTime()) {
                self.lock = self.drawLock()
                self.crashMaybe()
            }
        }
        guard fixture.canRestore else { return }
        for _ in 0..<scenario.restores { queue.add(at: randomTime(0.95)) { try self.saveDatabase() } }
    }

    /// Another fault may end with a crash: one in the middle of it is the hardest to recover from.
    func crashMaybe() {
        guard daemon != nil, crash == nil, random.chance(0.15) else { return }
        crash = random.pick([.afterCommit, .afterArrival])
    }

    // MARK: - The clock

    func setClock(ahead offset: Duration) {
        note("the clock is set \(offset) ahead")
        pacing.clockWasSet(back: offset < clock.offset, isNoticed: daemon != nil)
        clock.set(ahead: offset)
        guard let daemon else { return }
        daemon.unknownGatewaysDue = nil
        crashMaybe()
        // The scheduler's timer is never armed further ahead.
        wake(daemon, at: clock.time.advanced(by: .milliseconds(random.integer(0...30_000))))
    }

    // MARK: - The lock

    private func drawLock() -> ForeignLock {
        guard random.chance(0.7) else {
            unlockedAt = clock.time.advanced(by: random.duration(.seconds(1), .minutes(2)))
            return .fails(until: unlockedAt)
        }
        let before = random.duration(.milliseconds(100), .seconds(5))
        return .waits(before: before, after: random.pick([.zero, .milliseconds(900), .seconds(4)]))
    }

    /// Whether the lock keeps the next cycle from succeeding.
    var isLockedOut: Bool {
        if case .fails(let end)? = lock { return end > clock.time }
        return false
    }

    // MARK: - The copy

    private func saveDatabase() throws {
        guard saved == nil, daemon?.state.isDraining == false else { return }
        note("the application copies the database")
        try fixture.save()
        saved = SavedDatabase(
            orders: application.orders,
            ledger: ledger.progress,
            latest: receivers.latest,
            verdicts: simulatedOperator.verdicts,
            wanted: simulatedOperator.wanted,
            pauses: pauses.current
        )
        for _ in 0..<random.integer(1...4) { after(random.duration(.seconds(1), .minutes(10))) { try self.enqueue() } }
        after(random.duration(.minutes(10), .hours(6))) { try self.restoreDatabase() }
    }

    /// The application goes back to its copy as soon as a refund is in flight that the copy lacks.
    func restoreSoon(inFlight refund: Int64) {
        guard let saved, saved.orders[refund] == nil, random.chance(0.3) else { return }
        after(.milliseconds(random.integer(1...1_000))) { try self.restoreDatabase() }
    }

    private func restoreDatabase() throws {
        guard let saved else { return }
        guard let daemon else { return after(.minutes(1)) { try self.restoreDatabase() } }
        note("the application restores its copy of the database")
        summary.restores += 1
        self.saved = nil
        // What nobody has checked yet would be lost.
        try checkLedger()
        try fixture.restore()
        restoredAt = clock.time
        application.orders = saved.orders
        ledger.progress = saved.ledger
        receivers.latest = saved.latest
        simulatedOperator.verdicts = saved.verdicts
        simulatedOperator.wanted = saved.wanted
        pacing.databaseRestored()
        restorePauses(saved.pauses)
        daemon.databaseRestored()
        // The new refunds take the rows' ids of those that are lost.
        for _ in 0..<random.integer(1...4) { try enqueue() }
        crashMaybe()
    }
}
