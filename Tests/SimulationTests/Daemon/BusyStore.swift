import RefundCore
import RefundStore
import Synchronization

/// A store whose cycles fail while another process holds the lock for writing: everything is read and decided, and
/// nothing is written.
final class BusyStore: QueueStore {
    private let base: any QueueStore
    private let isLocked = Atomic(false)

    init(_ base: any QueueStore) {
        self.base = base
    }

    var isBusy: Bool {
        get { isLocked.load(ordering: .relaxed) }
        set { isLocked.store(newValue, ordering: .relaxed) }
    }

    var location: String { base.location }

    func cycle(_ request: CycleRequest, decide: (CycleInput) -> [Write]) throws(StoreError) -> [Rejection] {
        guard isBusy else { return try base.cycle(request, decide: decide) }
        _ = try base.cycle(request) { input in
            _ = decide(input)
            return []
        }
        throw StoreError(.busy, location: location, reason: "locked", description: "another process holds the database")
    }

    func read<Result>(_ body: (any QueueReader) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try base.read(body)
    }

    func write<Result>(_ body: (any QueueWriter) throws(StoreError) -> Result) throws(StoreError) -> Result {
        try base.write(body)
    }

    func migrate(at now: Timestamp) throws(StoreError) { try base.migrate(at: now) }

    func checkSchema() throws(StoreError) { try base.checkSchema() }

    func checkPositions() throws(StoreError) { try base.checkPositions() }

    func hasForeignCommits() throws(StoreError) -> Bool { try base.hasForeignCommits() }

    func upkeep(at now: Timestamp) -> [StoreEvent] { base.upkeep(at: now) }

    func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource { base.makeWakeSource(wake) }

    func lockForCommand() throws(StoreError) -> (any ServiceLock)? { try base.lockForCommand() }

    func interrupt() { base.interrupt() }

    func close() { base.close() }
}
