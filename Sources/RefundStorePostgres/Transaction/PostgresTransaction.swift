import RefundCore
import RefundPostgres
import RefundStore

/// One transaction, with everything that can be read and written in it.
///
/// `read` passes it as a `QueueReader`, which has no write methods. Valid only inside the closure that receives it.
/// Statements gather in `flight`: whoever needs their results sends it, and the end of the transaction sends the rest
/// together with the commit.
final class PostgresTransaction: QueueWriter {
    enum Kind {
        /// Reads one snapshot.
        case read
        /// Reads and writes; each statement sees what was committed before it.
        case write
    }

    private static let timeout: Duration = .seconds(90)

    let store: PostgresStore
    let connection: PostgresConnection
    private let kind: Kind
    /// What is sent next; it begins with the transaction.
    private(set) var flight = Flight()
    private var (isOpen, isCommitting, failure): (Bool, Bool, PostgresError?) = (true, false, nil)

    init(store: PostgresStore, connection: PostgresConnection, _ kind: Kind) {
        self.store = store
        self.connection = connection
        self.kind = kind
        guard kind == .read else {
            flight.add("BEGIN")
            return
        }
        flight.add("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        // Verifying a batch of rows may take a while, and holds nobody up.
        flight.add("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    }

    /// Sends what has gathered, and calls the closures of its statements.
    func send() throws(PostgresError) {
        let flight = flight
        self.flight = Flight()
        do throws(PostgresError) {
            try connection.run(flight, until: .now.advanced(by: Self.timeout))
        } catch {
            failure = error
            throw error
        }
    }

    /// Runs a text of one or more statements.
    func execute(_ sql: String) throws(PostgresError) {
        try send()
        do throws(PostgresError) {
            try connection.execute(sql, until: .now.advanced(by: Self.timeout))
        } catch {
            failure = error
            throw error
        }
    }

    /// Maps PostgreSQL's errors.
    func mapped<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error, store.location)
        }
    }

    // MARK: - The end

    /// Whether the transaction was ended for the sake of another one, waited too long for it, or lost its connection
    /// before the commit.
    var mayBeRepeated: Bool {
        guard let failure else { return false }
        return failure.kind == .disconnected
            ? !isCommitting : ["40001", "40P01", "55P03"].contains(failure.state?.rawValue)
    }

    /// Whether the connection was lost during the commit, which may have been written.
    var isOutcomeUnknown: Bool { isCommitting && (failure?.kind == .disconnected || failure?.kind == .timedOut) }

    /// Commits, unless the transaction was rolled back or only read.
    func end() throws(PostgresError) {
        guard isOpen else { return }
        isOpen = false
        isCommitting = kind == .write
        flight.add(kind == .read ? "ROLLBACK" : "COMMIT")
        try send()
    }

    /// Rolls back, so that `end` commits nothing.
    func rollBack<Result>(_ result: Result) -> Result {
        abort()
        return result
    }

    /// Rolls back after an error.
    func abort() {
        isOpen = false
        flight = Flight()
        guard !connection.isBroken, connection.isInTransaction else { return }
        try? connection.execute("ROLLBACK", until: .now.advanced(by: Self.timeout))
    }

    /// For tests of crashes, calls a closure when everything is written but the commit.
    func beforeCommit(_ body: (@Sendable () -> Void)?) throws(PostgresError) {
        guard let body else { return }
        try send()
        body()
    }

    /// Runs a body in a savepoint.
    ///
    /// - Returns: Why the database rejected a row, or nil if the body succeeded.
    func rejection(_ body: () throws -> Void) throws -> String? {
        flight.add("SAVEPOINT one")
        do {
            try body()
            flight.add("RELEASE SAVEPOINT one")
            try send()
            return nil
        } catch {
            let mapped = StoreError(error, store.location)
            guard mapped.isOfOneRow, !connection.isBroken else { throw error }
            flight = Flight()
            flight.add("ROLLBACK TO SAVEPOINT one")
            flight.add("RELEASE SAVEPOINT one")
            try send()
            return mapped.reason
        }
    }

    // MARK: - Reading

    /// The rows of a query of the flight, which is sent with it.
    func rows<Row>(_ statement: Statement, _ read: @escaping (PostgresRow) -> Row?) throws -> [Row] {
        var rows: [Row] = []
        statement.read { row in if let value = read(row) { rows.append(value) } }
        try send()
        return rows
    }

    /// The first column of a query's first row as a whole number.
    func number(_ sql: String, _ bind: (Statement) -> Void = { _ in }) throws -> Int64? {
        let statement = flight.add(sql)
        bind(statement)
        return try rows(statement) { $0.integer() }.first
    }

    // MARK: - Refunds

    func refund(id: Int64) throws(StoreError) -> QueuedRefund? {
        try mapped {
            let sql = "SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE q.id = $1"
            return try rows(flight.add(sql).bind(id), QueuedRefund.init(row:)).first
        }
    }

    func refunds(_ selector: RefundSelector) throws(StoreError) -> [Refund] {
        try mapped {
            switch selector.name {
            case .id(let id):
                return try refunds("q.id = $3", selector) { $0.bind(id) }
            case .number(let number):
                let byOrder = try refunds("q.merchant_order_no = $3", selector) { $0.bind(number) }
                let found = try byOrder.isEmpty ? refunds("q.trans_no = $3", selector) { $0.bind(number) } : byOrder
                // An abandoned refund frees its numbers, so they mean the live refund that took them.
                let live = found.filter { $0.state != .abandoned }
                return live.isEmpty ? found : live
            }
        }
    }

    private func refunds(
        _ condition: String,
        _ selector: RefundSelector,
        _ bind: (Statement) -> Void
    ) throws -> [Refund] {
        let sql = """
            SELECT \(QueuedRefund.columns) FROM refund_queue q WHERE \(condition)
            AND ($1 IS NULL OR q.gateway = $1) AND ($2 IS NULL OR coalesce(q.merchant_no, '') = $2) ORDER BY q.id
            """
        let statement = flight.add(sql).bind(selector.gateway).bind(selector.merchantNo)
        bind(statement)
        return try rows(statement, QueuedRefund.init(row:)).map(\.refund)
    }

    // MARK: - Ledger, outbox, actions

    func ledger(refundID: Int64) throws(StoreError) -> [LedgerRow] {
        try mapped {
            let sql = """
                SELECT \(LedgerRow.columns) FROM refund_transitions WHERE refund_id = $1 ORDER BY sequence
                """
            return try rows(flight.add(sql).bind(refundID), LedgerRow.init(row:))
        }
    }

    func webhooks(refundID: Int64) throws(StoreError) -> [WebhookRow] {
        try mapped {
            let sql = "SELECT \(WebhookRow.columns) WHERE o.refund_id = $1 ORDER BY o.position"
            return try rows(flight.add(sql).bind(refundID), WebhookRow.init(row:))
        }
    }

    func webhookIDs(in states: [WebhookState], since: Timestamp) throws(StoreError) -> [String] {
        try mapped {
            let sql = """
                SELECT o.id FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
                WHERE o.state = ANY ($1) AND e.at >= $2 ORDER BY o.position
                """
            return try rows(flight.add(sql).bind(list: states.map(\.rawValue)).bind(since)) { $0.text() }
        }
    }

    func attempts(webhookID: String) throws(StoreError) -> [AttemptRow] {
        try mapped {
            let sql = """
                SELECT a.at, a.status, a.error, a.duration_ms, a.answer FROM refund_outbox_attempts a
                JOIN refund_outbox o ON o.position = a.position WHERE o.id = $1 ORDER BY a.id
                """
            return try rows(flight.add(sql).bind(webhookID)) { row in
                AttemptRow(
                    at: row.timestamp() ?? Timestamp(milliseconds: 0),
                    status: row.integer().map { Int(clamping: $0) },
                    error: row.text(),
                    durationMilliseconds: row.integer(),
                    answer: row.bytes()
                )
            }
        }
    }

    func actions(refundID: Int64) throws(StoreError) -> [ActionRow] {
        try mapped {
            let sql = "SELECT id, at, actor, action, webhook_id FROM refund_actions WHERE refund_id = $1 ORDER BY id"
            return try rows(flight.add(sql).bind(refundID)) { row in
                ActionRow(
                    id: row.integer() ?? 0,
                    at: row.timestamp() ?? Timestamp(milliseconds: 0),
                    actor: row.text() ?? "",
                    action: row.text() ?? "",
                    webhookID: row.text()
                )
            }
        }
    }
}

extension LedgerRow {
    /// The columns that `init(row:)` reads.
    static let columns = """
        id, refund_id, sequence, at, from_state, to_state, attention, reason, trans_status, code, psn, response, actor,
        verdict, enqueued_at, number
        """

    init(row: PostgresRow) {
        let (id, refundID, sequence) = (row.integer() ?? 0, row.integer() ?? 0, row.integer() ?? 0)
        self.init(
            sequence: sequence,
            at: row.timestamp() ?? Timestamp(milliseconds: 0),
            from: row.text() ?? "",
            to: row.text() ?? "",
            actor: ""
        )
        self.id = id
        self.refundID = refundID
        attention = row.text()
        reason = row.text()
        transStatus = row.integer()
        code = row.text()
        psn = row.text()
        response = row.bytes()
        actor = row.text() ?? ""
        verdict = row.text()
        enqueuedAt = row.timestamp()
        number = row.text()
    }
}

extension WebhookRow {
    /// The columns that `init(row:)` reads, and their tables.
    static let columns = """
        o.id, o.refund_id, e.sequence, o.type, o.url, e.body, o.state, o.attempts, o.next_attempt_at, o.last_status,
        o.last_error, e.at, o.delivered_at, o.pruned_at
        FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position
        """

    init(row: PostgresRow) {
        self.init(
            id: row.text() ?? "",
            refundID: row.integer(),
            sequence: row.integer(),
            type: row.text() ?? "",
            url: row.text() ?? "",
            body: row.bytes() ?? [],
            state: row.text() ?? "",
            attempts: row.count(),
            createdAt: Timestamp(milliseconds: 0)
        )
        nextAttemptAt = row.timestamp()
        lastStatus = row.integer().map { Int(clamping: $0) }
        lastError = row.text()
        createdAt = row.timestamp() ?? createdAt
        deliveredAt = row.timestamp()
        prunedAt = row.timestamp()
    }
}
