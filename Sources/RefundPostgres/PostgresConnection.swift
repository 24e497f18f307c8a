import CPostgres
import Glibc

/// A connection to a server, used by one thread at a time.
///
/// Every call waits for the socket until a deadline, and an `Interruption` ends it at once. After either, what the server
/// did is unknown: the connection is given up, and nothing is cancelled. The server would acknowledge a commit whose wait
/// for a standby was cancelled. Source: <https://www.postgresql.org/docs/current/libpq-async.html>.
@safe
package final class PostgresConnection {
    private let handle: OpaquePointer
    private let interruption: Interruption
    /// The names of the prepared statements, and how many were prepared.
    private var names: [String: String] = [:]
    private var prepared = 0
    /// A query that every transaction begins with, because a pooler may run each in another session of the server.
    ///
    /// Then nothing is prepared. Nil for a connection that has a session to itself.
    package var transactionSetup: String?
    /// Whether the connection can no longer be used.
    package private(set) var isBroken = false

    /// Connects.
    ///
    /// - Parameters:
    ///   - parameters: libpq's parameters in order, where later ones win; a `dbname` may be a whole connection string.
    ///   - deadline: When to give up.
    ///   - interruption: Ends any call on this connection.
    /// - Throws: `PostgresError`.
    package init(
        _ parameters: [(name: String, value: String)],
        until deadline: ContinuousClock.Instant,
        _ interruption: Interruption
    ) throws(PostgresError) {
        if let problem = unsafe cpostgres_load() {
            throw PostgresError(.unavailable, unsafe String(cString: problem))
        }
        var names = unsafe parameters.map { unsafe UnsafePointer(strdup($0.name)) } + [nil]
        var values = unsafe parameters.map { unsafe UnsafePointer(strdup($0.value)) } + [nil]
        defer {
            for index in unsafe names.indices {
                unsafe free(UnsafeMutablePointer(mutating: names[index]))
                unsafe free(UnsafeMutablePointer(mutating: values[index]))
            }
        }
        guard let handle = unsafe PQconnectStartParams(&names, &values, 1) else {
            throw PostgresError(.disconnected, "out of memory")
        }
        unsafe self.handle = handle
        self.interruption = interruption
        interruption.reset()
        // Otherwise libpq writes notices to standard error.
        _ = unsafe PQsetNoticeReceiver(handle, { _, _ in }, nil)
        try connect(until: deadline)
        _ = unsafe PQsetnonblocking(handle, 1)
    }

    deinit {
        unsafe PQfinish(handle)
    }

    /// The id of the process that serves the connection, as it introduced itself; a pooler makes one up.
    package var processID: Int32 { unsafe PQbackendPID(handle) }

    /// Whether a transaction is open.
    package var isInTransaction: Bool { unsafe PQtransactionStatus(handle) != PQTRANS_IDLE }

    private func connect(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED, unsafe PQstatus(handle) != CONNECTION_BAD else { throw lost() }
            _ = try wait(for: state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until: deadline)
            state = unsafe PQconnectPoll(handle)
        }
    }

    // MARK: - Running

    /// Runs a text of one or more statements without parameters, in one transaction unless it says otherwise.
    ///
    /// - Parameters:
    ///   - sql: The statements.
    ///   - deadline: When to give up.
    ///   - body: Reads the rows of every result.
    /// - Throws: `PostgresError`.
    package func execute(
        _ sql: String,
        until deadline: ContinuousClock.Instant,
        _ body: (PostgresRow) -> Void = { _ in }
    ) throws(PostgresError) {
        try begin()
        let setup = isInTransaction ? nil : transactionSetup
        guard unsafe PQsendQuery(handle, (setup.map { "\($0);" } ?? "") + sql) == 1 else { throw lost() }
        try flush(until: deadline)
        var failure: PostgresError?
        var isSetup = setup != nil
        while let result = try next(until: deadline) {
            if let error = error(of: result) { failure = failure ?? error }
            if isSetup {
                isSetup = false
                continue
            }
            for row in 0..<result.rowCount { body(PostgresRow(result, row, isBinary: false)) }
        }
        if let failure { throw failure }
    }

    /// Runs a flight.
    ///
    /// - Parameters:
    ///   - flight: The statements; their closures are called if all of them succeed.
    ///   - deadline: When to give up.
    /// - Throws: `PostgresError`, the one of the first statement that failed.
    package func run(_ flight: Flight, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        guard !flight.isEmpty else { return }
        try begin()
        let steps = isInTransaction ? flight.steps : flight.steps(beginningWith: transactionSetup)
        guard unsafe PQenterPipelineMode(handle) == 1 else { throw lost() }
        // Whether a statement is prepared in this flight.
        var prepares: [Bool] = []
        for step in steps { prepares.append(try send(step)) }
        guard unsafe PQpipelineSync(handle) == 1 else { throw lost() }
        try flush(until: deadline)
        var failure: PostgresError?
        var results: [PostgresResult] = []
        for (step, isNew) in zip(steps, prepares) {
            for isPreparation in isNew ? [true, false] : [false] {
                let result = try only(until: deadline)
                if let error = error(of: result) {
                    if isPreparation { names[step.key] = nil }
                    failure = failure ?? error
                } else if result.status == PGRES_PIPELINE_ABORTED {
                    if isPreparation { names[step.key] = nil }
                } else if !isPreparation {
                    results.append(result)
                }
            }
        }
        let end = try next(until: deadline)?.status
        guard end == PGRES_PIPELINE_SYNC, unsafe PQexitPipelineMode(handle) == 1 else {
            throw lost()
        }
        if let failure { throw failure }
        for (step, result) in zip(steps, results) {
            step.changed?(result.changedRows)
            guard let receive = step.receive else { continue }
            for row in 0..<result.rowCount { receive(PostgresRow(result, row, isBinary: true)) }
        }
    }

    /// Waits until the server has sent a notification.
    ///
    /// - Parameters:
    ///   - payload: Notifications with another payload are passed over: a channel belongs to a whole database.
    ///   - deadline: When to end the wait.
    /// - Returns: Whether one came before the deadline.
    /// - Throws: `PostgresError` if the connection is lost, or was interrupted, after which it goes on.
    package func awaitNotification(
        of payload: String,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> Bool {
        if isBroken { throw PostgresError(.disconnected, "the connection is gone") }
        while true {
            guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
            var isNotified = false
            while let notification = unsafe PQnotifies(handle) {
                if unsafe String(cString: notification.pointee.extra) == payload { isNotified = true }
                unsafe PQfreemem(notification)
            }
            if isNotified { return true }
            guard ContinuousClock.now < deadline else { return false }
            do throws(PostgresError) {
                _ = try wait(for: POLLIN, until: deadline)
            } catch {
                guard error.kind == .timedOut || error.kind == .interrupted else { throw error }
                isBroken = false
                if error.kind == .interrupted {
                    interruption.reset()
                    throw error
                }
            }
        }
    }

    private func begin() throws(PostgresError) {
        if isBroken { throw PostgresError(.disconnected, "the connection is gone") }
        interruption.reset()
    }

    // MARK: - Sending

    /// Sends a statement, prepared first if it is not yet.
    ///
    /// - Returns: Whether it is prepared with it.
    private func send(_ step: Statement) throws(PostgresError) -> Bool {
        let (parameters, known) = (step.parameters, names[step.key])
        let isNew = known == nil
        let name = known ?? (transactionSetup == nil ? "s\(processID).\(prepared)" : "")
        let count = CInt(parameters.types.count)
        if isNew {
            guard unsafe PQsendPrepare(handle, name, step.sql, count, parameters.types) == 1 else { throw lost() }
            if !name.isEmpty { names[step.key] = name }
            prepared += 1
        }
        let isBinary = [CInt](repeating: 1, count: parameters.types.count)
        let sent = unsafe parameters.bytes.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = unsafe zip(parameters.offsets, parameters.lengths).map { offset, length in
                guard length >= 0, let start = unsafe start else { return unsafe nil as UnsafePointer<CChar>? }
                return unsafe start + offset
            }
            return unsafe PQsendQueryPrepared(handle, name, count, values, parameters.lengths, isBinary, 1)
        }
        guard sent == 1 else { throw lost() }
        return isNew
    }

    // Reads while it writes: with full buffers on both sides, neither would go on.
    private func flush(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let left = unsafe PQflush(handle)
            if left == 0 { return }
            guard left > 0 else { throw lost() }
            if try wait(for: POLLIN | POLLOUT, until: deadline) & CInt(POLLIN) != 0 {
                guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
            }
        }
    }

    // MARK: - Receiving

    /// The next result, or nil at the end of a statement.
    private func next(until deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresResult? {
        while unsafe PQisBusy(handle) != 0 {
            _ = try wait(for: POLLIN, until: deadline)
            guard unsafe PQconsumeInput(handle) == 1 else { throw lost() }
        }
        return unsafe PQgetResult(handle).map { unsafe PostgresResult($0) }
    }

    /// The one result of a statement in a pipeline.
    private func only(until deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresResult {
        guard let result = try next(until: deadline) else { throw lost() }
        while let more = try next(until: deadline) {
            // After the end of the connection, there is no end of the statement.
            if unsafe PQstatus(handle) == CONNECTION_BAD { throw error(of: more) ?? lost() }
        }
        return result
    }

    private func error(of result: PostgresResult) -> PostgresError? {
        guard result.status == PGRES_FATAL_ERROR || result.status == PGRES_BAD_RESPONSE else { return nil }
        guard let state = result.errorField("C").map(SQLState.init(rawValue:)) else { return lost() }
        let message = result.errorField("M") ?? "no message"
        let isBad = unsafe PQstatus(handle) == CONNECTION_BAD
        if state.endsConnection || isBad {
            isBroken = true
            return PostgresError(.disconnected, message)
        }
        var error = PostgresError(.refused(state), message)
        error.table = result.errorField("t")
        error.column = result.errorField("c")
        error.constraint = result.errorField("n")
        return error
    }

    /// The error for a connection that is lost, in libpq's words.
    private func lost() -> PostgresError {
        isBroken = true
        let text = unsafe String(cString: PQerrorMessage(handle))
        let lines = text.split(separator: "\n").map { line in
            line.drop { $0.isWhitespace }
        }
        return PostgresError(.disconnected, lines.isEmpty ? "the connection is lost" : lines.joined(separator: "; "))
    }

    // MARK: - Waiting

    private func wait(for events: CInt, until deadline: ContinuousClock.Instant) throws(PostgresError) -> CInt {
        while true {
            var descriptors = [
                pollfd(fd: unsafe PQsocket(handle), events: Int16(events), revents: 0),
                pollfd(fd: interruption.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let left = ContinuousClock.now.duration(to: deadline)
            let (seconds, attoseconds) = left.components
            // A negative time would make poll wait without end.
            let milliseconds =
                left <= .zero ? 0 : min(seconds, 86_400) * 1_000 + attoseconds / 1_000_000_000_000_000 + 1
            let count = unsafe poll(&descriptors, nfds_t(descriptors.count), CInt(clamping: milliseconds))
            if count < 0, errno == EINTR { continue }
            if count > 0, descriptors[1].revents != 0 {
                isBroken = true
                throw PostgresError(.interrupted, "interrupted")
            }
            if count > 0 { return CInt(descriptors[0].revents) }
            guard ContinuousClock.now < deadline else {
                isBroken = true
                throw PostgresError(.timedOut, "the server did not answer in time")
            }
        }
    }
}

extension Statement {
    /// What identifies a prepared statement: its text, and the types of its parameters.
    fileprivate var key: String { "\(sql) \(parameters.types)" }
}

extension SQLState {
    /// Whether the server ends the connection with it, or must be left: it shuts down, or is a standby now, or a pooler
    /// has put another session, with other prepared statements, behind the connection.
    fileprivate var endsConnection: Bool {
        family == "08" || ["25006", "57P01", "57P02", "57P03", "26000", "42P05"].contains(rawValue)
    }
}
