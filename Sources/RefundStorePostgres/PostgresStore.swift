import RefundCore
import RefundPostgres
package import RefundStore
import Synchronization

/// The queue, the ledger and the outbox in a schema of a PostgreSQL database.
///
/// A store is one connection, and its calls run one after the other on the calling thread.
package final class PostgresStore: QueueStore {
    let settings: PostgresSettings
    let session: Session
    /// Ends the claims of cycles that may have been committed although their connection was lost: nothing was sent.
    private let unknownClaims = Mutex<[Write.Action]>([])
    /// When a cycle last looked for claims that ran out.
    let claimsChecked = Mutex<Timestamp?>(nil)
    /// The events that `upkeep` reports next.
    let events = Mutex<[StoreEvent]>([])
    /// Where the search for each gateway's due refunds begins.
    let floors = Mutex(DueFloors())
    /// When somebody's snapshot was last looked for, and who was reported.
    let snapshots = Mutex<(checked: Timestamp?, holder: String?)>((nil, nil))
    /// When the counts were last folded.
    let countsFolded = Mutex<Timestamp?>(nil)
    /// The numbers that applications and operators had taken at the last look; nil before the first.
    let numbersTaken = Mutex<[Int64]?>(nil)
    /// What keeps a daemon among those that serve the queue; nil for a command.
    let listener = Mutex<Listener?>(nil)
    /// What the daemon says about itself.
    let serving: ServingNote
    private let beforeCommit: (@Sendable () -> Void)?

    /// The daemon's id, which its claims bear; nil for a command.
    var daemonID: Int64? { listener.withLock { $0 }?.daemonID }

    /// The queue's location.
    package var location: String { settings.location }

    package var backupTools: String? { "pg_dump, or pg_basebackup with continuous archiving" }

    /// Opens the queue.
    ///
    /// - Parameters:
    ///   - settings: Where it is.
    ///   - beforeCommit: Called when a cycle has written everything and is about to commit, for tests of crashes.
    /// - Throws: `StoreError` if the server cannot be reached.
    package convenience init(
        _ settings: PostgresSettings,
        beforeCommit: (@Sendable () -> Void)? = nil
    ) throws(StoreError) {
        try self.init(settings, ServingNote(), beforeCommit: beforeCommit)
    }

    /// Opens the queue for a daemon that describes itself.
    init(
        _ settings: PostgresSettings,
        _ serving: ServingNote,
        beforeCommit: (@Sendable () -> Void)?
    ) throws(StoreError) {
        self.settings = settings
        self.serving = serving
        self.beforeCommit = beforeCommit
        session = Session(settings)
        do {
            try session.use { _ in }
        } catch {
            throw StoreError(error, settings.location)
        }
    }

    // MARK: - Cycles

    /// Runs one cycle: one flight reads and locks, the last one writes and commits.
    ///
    /// What is due is locked before the decision, and rows that another daemon has locked are passed over. There is no
    /// first run that only reads, as on a file: a cycle that finds nothing to do has locked nothing.
    package func cycle(
        _ request: CycleRequest,
        decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        let releases = unknownClaims.withLock(\.self)
        var (claimed, written): ([String: Int64], [Write]) = ([:], [])
        do throws(StoreError) {
            try transaction(.write) { tx in
                for release in releases { try WriteExecutor(tx).execute(release) }
                let reader = CycleReader(tx, request, looksForExpiredClaims(request))
                let writes = decide(try reader.read())
                (claimed, written) = (reader.dues(of: writes), writes)
                if writes.isEmpty, releases.isEmpty { return tx.rollBack(()) }
                let executor = WriteExecutor(tx, reader)
                for write in writes { try executor.execute(write.action) }
                executor.finish()
                try tx.beforeCommit(beforeCommit)
            }
            floors.withLock { floors in
                floors.claimed(claimed, at: request.now)
                floors.written(written)
                if !releases.isEmpty { floors = DueFloors() }
            }
            unknownClaims.withLock { $0.removeFirst(releases.count) }
            return []
        } catch  where error.isOfOneRow {
            floors.withLock { $0 = DueFloors() }
            return try runIsolatedCycle(request, decide)
        }
    }

    /// Runs a cycle in which one rejected row does not hold up the others.
    private func runIsolatedCycle(
        _ request: CycleRequest,
        _ decide: (CycleInput) -> [Write]
    ) throws(StoreError) -> [Rejection] {
        let releases = unknownClaims.withLock(\.self)
        let rejections = try transaction(.write) { tx in
            for release in releases { _ = try tx.rejection { try WriteExecutor(tx).execute(release) } }
            let reader = CycleReader(tx, request, looksForExpiredClaims(request))
            let writes = decide(try reader.read())
            var rejections: [Rejection] = []
            func rejection(_ action: Write.Action) throws -> String? {
                try tx.rejection {
                    let executor = WriteExecutor(tx, reader)
                    try executor.execute(action)
                    executor.finish()
                }
            }
            for (index, write) in writes.enumerated() {
                for (claim, action) in write.action.parts.enumerated() {
                    guard let reason = try rejection(action) else { continue }
                    rejections.append(Rejection(index: index, claim: claim, reason: reason))
                    if let fallback = write.fallback { _ = try rejection(fallback) }
                }
            }
            try tx.beforeCommit(beforeCommit)
            return rejections
        }
        unknownClaims.withLock { $0.removeFirst(releases.count) }
        return rejections
    }

    // Only the claims of daemons that are gone run out, and finding them costs more than all else that a cycle reads.
    private func looksForExpiredClaims(_ request: CycleRequest) -> Bool {
        guard request.claims != nil else { return false }
        return claimsChecked.withLock { last in
            if let last, abs(request.now.duration(since: last).wholeMilliseconds) < 1_000 { return false }
            last = request.now
            return true
        }
    }

    // MARK: - Transactions

    package func read<Result>(
        _ body: (any QueueReader) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try transaction(.read) { tx in try body(tx) }
    }

    @discardableResult
    package func write<Result>(
        _ body: (any QueueWriter) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try transaction(.write) { tx in
            let result = try body(tx)
            // An operator's change is news for every daemon, asleep or not.
            tx.flight.add("SELECT pg_notify('refund_queue', current_schema())")
            return result
        }
    }

    /// Runs one transaction, and repeats it if the server ended it for the sake of another one.
    ///
    /// - Throws: `StoreError`; one that the body throws passes unchanged.
    func transaction<Result>(
        _ kind: PostgresTransaction.Kind,
        _ body: (PostgresTransaction) throws -> Result
    ) throws(StoreError) -> Result {
        var left = 3
        while true {
            left -= 1
            var isRepeatable = false
            do {
                return try session.use { connection in
                    let tx = PostgresTransaction(store: self, connection: connection, kind)
                    defer { isRepeatable = tx.mayBeRepeated }
                    do {
                        let result = try body(tx)
                        try tx.end()
                        return result
                    } catch {
                        if tx.isOutcomeUnknown { unknownClaims.withLock { $0 += tx.releases } }
                        tx.abort()
                        throw error
                    }
                }
            } catch {
                guard isRepeatable, left > 0 else { throw StoreError(error, location) }
            }
        }
    }

    package func lockForCommand() throws(StoreError) -> (any ServiceLock)? {
        guard case .taken(let lock) = try DaemonLock.attempt(settings, for: .command(serving)) else { return nil }
        return lock
    }

    package func interrupt() { session.interrupt() }

    package func close() {
        listener.withLock { $0 }?.leave()
        session.close()
    }
}
