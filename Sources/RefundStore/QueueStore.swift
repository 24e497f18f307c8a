package import RefundCore

/// A queue of refunds with its ledger and outbox, in any database.
///
/// All calls block: call them from a thread of your own, never from the cooperative pool. A store runs its calls one
/// after the other.
package protocol QueueStore: AnyObject, Sendable {
    /// The queue's location, as messages name it.
    var location: String { get }

    /// The server's own tools for a backup; nil if there are none, or if it is a ``CopyableStore``.
    var backupTools: String? { get }

    /// Runs one cycle: reads, decides, and writes, in one transaction.
    ///
    /// Without `mustWrite`, the store reads in a read transaction first, and locks the queue only if the decision
    /// writes anything. `decide` may therefore run more than once; only its last run counts.
    ///
    /// - Parameters:
    ///   - request: The rows to read.
    ///   - decide: Decides what to write; a pure function of its input.
    /// - Returns: The writes that the database rejected; everything else is committed.
    /// - Throws: `StoreError` if nothing was written.
    func cycle(_ request: CycleRequest, decide: (CycleInput) -> [Write]) throws(StoreError) -> [Rejection]

    /// Reads one consistent snapshot, in one transaction.
    func read<Result>(_ body: (any QueueReader) throws(StoreError) -> Result) throws(StoreError) -> Result

    /// Reads and writes in one transaction, on behalf of an operator or of the scheduler's start.
    ///
    /// - Throws: `StoreError`, which rolls everything back; `.rejected` if a guard or constraint objects.
    @discardableResult
    func write<Result>(_ body: (any QueueWriter) throws(StoreError) -> Result) throws(StoreError) -> Result

    /// Creates or migrates the queue, in one transaction.
    func migrate(at now: Timestamp) throws(StoreError)

    /// Checks that the queue exists and has the schema version of this program.
    func checkSchema() throws(StoreError)

    /// Checks that the queue is not an older copy of the one that was served, which would use numbers again.
    ///
    /// Every write checks this as well.
    func checkPositions() throws(StoreError)

    /// Whether another process has committed since the last call; true the first time.
    ///
    /// - Throws: `StoreError` if the queue cannot be read or is no longer the one that was opened.
    func hasForeignCommits() throws(StoreError) -> Bool

    /// Does the store's housekeeping, which never blocks other processes for long.
    ///
    /// - Returns: Events that an operator should know about.
    func upkeep(at now: Timestamp) -> [StoreEvent]

    /// Calls `wake` when another process may have committed.
    func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource

    /// Takes the right to serve the queue for a command that briefly does what only the daemon may, without waiting.
    ///
    /// - Returns: The lock, or nil if a daemon or another command holds it.
    func lockForCommand() throws(StoreError) -> (any ServiceLock)?

    /// Interrupts the current call, from another thread; it then fails at once.
    func interrupt()

    /// Closes the connection.
    func close()
}

extension QueueStore {
    /// None.
    package var backupTools: String? { nil }
}

/// Detects commits by other processes.
package protocol WakeSource: Sendable {
    /// Ignores commits until `resume`, because the owner reads the queue anyway.
    func pause()
    /// Resumes detection.
    ///
    /// - Parameter looks: Whether to look for commits that the pause may have hidden.
    func resume(looks: Bool)
    /// Stops for good.
    func stop()
}

/// A write that the database rejected.
package struct Rejection: Hashable, Sendable {
    /// The index of the write in what `decide` returned.
    package var index: Int
    /// For a batch of claims, the index in the batch; otherwise 0.
    package var claim: Int
    /// The guard's or constraint's message.
    package var reason: String

    /// Creates a rejection.
    package init(index: Int, claim: Int = 0, reason: String) {
        self.index = index
        self.claim = claim
        self.reason = reason
    }
}

/// An event in the store that an operator should know about.
package enum StoreEvent: Hashable, Sendable {
    /// Another process's transaction keeps the write-ahead log from being truncated.
    case walGrew(bytes: Int64, holders: [String])
    /// Tables, guards or indexes were missing or changed, and were restored.
    case schemaRestored([String])
    /// A refund that the guards would have rejected came in while they were missing; in words.
    case unservable(String)
    /// A table, guard or index is missing or changed, and cannot be restored.
    case schemaBroken(name: String, reason: String)
    /// An application's trigger rejected writes to single rows; the others of the same kind are committed.
    case rejected(what: String, reason: String)
    /// Commits by other processes are detected only by polling, until the cause is gone; and what removes it.
    case commitsUnwatched(reason: String, remedy: String)
    /// Another daemon is gone, and this one released its claims; its name, and how many there were.
    case tookOver(daemon: String, claims: Int)
    /// The other daemons took this one for dead, and released its claims: it did not answer for too long.
    case takenForDead
    /// Somebody keeps a snapshot open, so that rows that changed are not cleaned up; who, and for how long, if known.
    case snapshotHeld(by: String, since: Duration?)
}

/// The result of an integrity check of the database.
package struct Integrity: Hashable, Sendable {
    /// Damage to the structure or to refundd's own tables; empty for an intact database.
    package var damage: [String] = []
    /// Problems in the application's own tables and indexes, which do not concern refundd.
    package var notes: [String] = []

    /// Creates the result of a check that found nothing.
    package init() {}
}

/// Reads refunds and everything recorded about them.
package protocol QueueReader {
    /// The refund with an id, or nil.
    func refund(id: Int64) throws(StoreError) -> QueuedRefund?
    /// The refunds that match a selector: none, one, or several; live ones before abandoned ones.
    func refunds(_ selector: RefundSelector) throws(StoreError) -> [Refund]
    /// The queue, newest first.
    func refunds(_ filter: RefundFilter, limit: Int) throws(StoreError) -> [Refund]
    /// The ledger of a refund, oldest first.
    func ledger(refundID: Int64) throws(StoreError) -> [LedgerRow]
    /// The webhooks of a refund, oldest first.
    func webhooks(refundID: Int64) throws(StoreError) -> [WebhookRow]
    /// The webhooks in some states that were created at a time or later, oldest first.
    func webhooks(in states: [WebhookState], since: Timestamp) throws(StoreError) -> [(id: String, state: WebhookState)]
    /// The attempts to deliver a webhook, oldest first.
    func attempts(webhookID: String) throws(StoreError) -> [AttemptRow]
    /// Operators' actions on a refund that its ledger does not record, oldest first.
    func actions(refundID: Int64) throws(StoreError) -> [ActionRow]
    /// Counts and health at a given time.
    func status(at now: Timestamp) throws(StoreError) -> QueueStatus
    /// What the admin page shows at a given time.
    func overview(at now: Timestamp) throws(StoreError) -> QueueOverview
    /// The refund that a webhook reports, or nil.
    func refundID(ofWebhook id: String) throws(StoreError) -> Int64?
    /// The newest row of the ledger, or 0.
    func lastTransition() throws(StoreError) -> Int64
    /// Operators' changes among the ledger rows beyond an id.
    func operatorChanges(after id: Int64, limit: Int) throws(StoreError) -> OperatorChanges
    /// The webhooks that wait or are dead, by endpoint.
    func endpointBacklogs() throws(StoreError) -> [EndpointBacklog]
    /// The current incidents, by gateway.
    func incidents() throws(StoreError) -> [String: GatewayIncident]
    /// The open circuit breakers of a kind, by name; a probe waits for a refund or webhook that is due.
    func openBreakers(_ kind: BreakerKind) throws(StoreError) -> [String: OpenBreaker]
    /// Whether each endpoint accepted its last webhook, as far as the latest attempts tell.
    func endpointStandings() throws(StoreError) -> [String: Bool]
    /// The gateways and endpoints that are paused.
    func pauses() throws(StoreError) -> [Peer: Pause]
    /// The time of the latest query, change or attempt that is on record, or nil.
    func lastRecordedAt() throws(StoreError) -> Timestamp?
    /// When each gateway last gave a verified answer.
    func sightings() throws(StoreError) -> [String: GatewaySighting]

    /// What groups the refunds that match a filter by their order numbers, newest first.
    func members(_ filter: RefundFilter, newest limit: Int) throws(StoreError) -> [RefundGroup.Member]
    /// How many refunds match a filter, counted up to a limit.
    func count(_ filter: RefundFilter, limit: Int) throws(StoreError) -> Int
    /// The ids of the refunds that match a filter, in order.
    func refundIDs(_ filter: RefundFilter) throws(StoreError) -> [Int64]
    /// The webhooks that match a filter, newest first.
    func webhooks(_ filter: WebhookFilter, limit: Int) throws(StoreError) -> [WebhookRow]
    /// How many webhooks match a filter, counted up to a limit.
    func count(_ filter: WebhookFilter, limit: Int) throws(StoreError) -> Int
    /// Events beyond a position, in order.
    func events(after position: Int64, limit: Int) throws(StoreError) -> [EventRow]
    /// The refunds and webhooks that are in flight, or were when their daemon ended.
    func claims() throws(StoreError) -> (refunds: Set<Int64>, webhooks: Set<String>)
    /// The disabled URLs, with the reason.
    func disabledURLs() throws(StoreError) -> [String: String]

    /// The rows that a step of retention may prune, oldest first; a bounded number is examined.
    func prunable(_ request: PruneRequest) throws(StoreError) -> PruneBatch
    /// Everything that retention has pruned so far.
    func prunedRows() throws(StoreError) -> PrunedRows
    /// The pruned refunds that match a selector.
    func prunedRefunds(_ selector: RefundSelector) throws(StoreError) -> [PrunedRefund]

    /// Checks the database's integrity: its structure, and the contents of refundd's own tables.
    func integrity(limit: Int) throws(StoreError) -> Integrity
    /// Tables, guards, indexes and views that are missing or changed, orphaned rows, and rows that the guards reject.
    func schemaProblems() throws(StoreError) -> [String]
    /// Refunds beyond an id, with their histories.
    func histories(after id: Int64?, limit: Int) throws(StoreError) -> HistoryBatch
    /// Gateway events beyond a position with their webhooks.
    func gatewayEvents(
        after position: Int64,
        limit: Int
    ) throws(StoreError) -> (events: [LoggedEvent], webhooks: [OutboxRow])
}

/// Writes on behalf of operators' commands and the scheduler's start.
package protocol QueueWriter: QueueReader {
    /// Inserts a refund as an application would.
    ///
    /// - Returns: The row's id, or nil if the refund is already queued.
    func enqueue(_ refund: NewRefund) throws(StoreError) -> Int64?
    /// Writes a change that an operator made.
    func write(_ change: RefundChange) throws(StoreError)
    /// Makes a refund due before all others, and records who requested it.
    func requestQuery(_ id: Int64, by actor: String, at now: Timestamp) throws(StoreError)
    /// Deletes the hints for a refund, which is queried right now.
    func deleteHints(refundID: Int64) throws(StoreError)
    /// Makes a webhook due at once, and enables its URL.
    ///
    /// - Parameters:
    ///   - id: The webhook.
    ///   - state: Its state when it was chosen; if it has changed, other than to dead, nothing is written. A pending
    ///     webhook keeps its attempts, and a newer event still supersedes it; all others start over. Nil for a webhook
    ///     that starts over whatever its state.
    ///   - actor: The operator.
    ///   - now: The time.
    /// - Returns: What became of the webhook.
    /// - Throws: `StoreError` if the database fails or rejects the change.
    func redeliver(
        _ id: String,
        from state: WebhookState?,
        by actor: String,
        at now: Timestamp
    ) throws(StoreError) -> Redelivery
    /// Pauses a peer, and records who did.
    ///
    /// - Returns: The pause that is already in force, or nil; nothing is written if there is one.
    func pause(_ peer: Peer, _ pause: Pause) throws(StoreError) -> Pause?
    /// Ends a peer's pause, and records who did.
    ///
    /// - Returns: The pause that ended, or nil if there was none.
    func resume(_ peer: Peer, by actor: String, at now: Timestamp) throws(StoreError) -> Pause?

    /// Ends every claim, left by a daemon that is gone. Only the daemon that serves the queue may do this.
    func releaseClaims() throws(StoreError)
    /// Removes the circuit breakers of a daemon that is gone.
    func removeBreakers() throws(StoreError)
    /// Makes refunds that the configuration could not serve due again.
    func retryMisconfigured(at now: Timestamp) throws(StoreError)
    /// Removes the incidents and breakers of gateways that are no longer configured.
    func forgetGateways(except names: Set<String>) throws(StoreError)
    /// Prunes the rows that a request finds, and records it.
    ///
    /// - Returns: The rows found, and how many were pruned with them.
    func prune(_ request: PruneRequest, at now: Timestamp) throws(StoreError) -> (batch: PruneBatch, rows: PrunedRows)
}

extension QueueWriter {
    /// Makes a webhook due at once, with its full number of retries and whatever its state, and enables its URL.
    package func redeliver(_ id: String, by actor: String, at now: Timestamp) throws(StoreError) -> Redelivery {
        try redeliver(id, from: nil, by: actor, at: now)
    }
}

/// The result of a request to redeliver a webhook.
package enum Redelivery: Hashable, Sendable {
    /// It is due again, with its full number of retries.
    case due
    /// It was pending, and is due now.
    case hastened
    /// It is being sent right now.
    case inFlight
    /// It has left the state in which it was chosen.
    case changed
    /// Retention pruned its body at this time.
    case pruned(at: Timestamp)
    /// There is no webhook with this id.
    case unknown
}
