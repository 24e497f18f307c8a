import Glibc
package import RefundCore
package import RefundStore

/// The operator who runs a command, as the ledger's `actor` names them.
package enum Operator: Sendable {
    /// Returns the name of the user who runs this process; under `sudo`, of the user who called it.
    ///
    /// - Parameter environment: The process's environment.
    /// - Returns: A name that is never the daemon's own.
    package static func name(environment: [String: String]) -> String {
        name(of: geteuid(), sudoUser: environment["SUDO_USER"])
    }

    // Only root's SUDO_USER counts: any other user could set it to any name.
    static func name(of user: uid_t, sudoUser: String?) -> String {
        let caller = user == 0 ? sudoUser.flatMap { $0.allSatisfy(\.isWhitespace) ? nil : $0 } : nil
        let name = caller ?? ServiceUser.login(of: user) ?? "uid \(user)"
        return name == Transition.refundd ? "user \(name)" : name
    }
}

extension QueueStore {
    /// Writes in one transaction on behalf of an operator.
    ///
    /// - Parameter body: Reads and writes; an error that it throws rolls everything back. If it returns a failure, it
    ///   must have written nothing.
    /// - Returns: The body's value.
    /// - Throws: The body's failure, or the failure for an error of the database.
    package func command<Success>(
        _ body: (any QueueWriter) throws(StoreError) -> Result<Success, CommandFailure>
    ) throws(CommandFailure) -> Success {
        try CommandFailure.mapping { () throws(StoreError) in try write(body) }.get()
    }

    /// Writes about many rows on behalf of an operator, in transactions that leave others as much time to write.
    ///
    /// - Parameters:
    ///   - ids: The rows, read beforehand, so that one that changes meanwhile is not met twice.
    ///   - size: How many rows a transaction is about.
    ///   - body: Writes about some of them; an error that it throws rolls its transaction back.
    ///   - committed: Called after each transaction with the body's value.
    /// - Throws: The failure for an error of the database; earlier transactions stay committed.
    func command<ID, Success>(
        on ids: [ID],
        inBatchesOf size: Int,
        _ body: (any QueueWriter, ArraySlice<ID>) throws(StoreError) -> Success,
        _ committed: (Success) -> Void
    ) async throws(CommandFailure) {
        var rest = ids[...]
        while !rest.isEmpty {
            let begin = ContinuousClock.now
            let batch = rest.prefix(size)
            rest = rest.dropFirst(size)
            committed(try command { tx throws(StoreError) in .success(try body(tx, batch)) })
            if !rest.isEmpty { try? await Task.sleep(for: ContinuousClock.now - begin) }
        }
    }

    /// Reads in one transaction for a command.
    ///
    /// - Parameter body: Reads.
    /// - Returns: The body's value.
    /// - Throws: The failure for an error of the database.
    package func look<Result>(
        _ body: (any QueueReader) throws(StoreError) -> Result
    ) throws(CommandFailure) -> Result {
        try CommandFailure.mapping { () throws(StoreError) in try read(body) }
    }
}

extension CommandFailure {
    /// Runs part of a command, and maps an error of the database to a failure.
    ///
    /// If a guard or an application's trigger rejects a row, the command failed, not the database.
    package static func mapping<Result>(_ body: () throws(StoreError) -> Result) throws(CommandFailure) -> Result {
        do throws(StoreError) {
            return try body()
        } catch {
            throw error.kind == .rejected ? CommandFailure(.failed, [error.reason]) : CommandFailure(error)
        }
    }

    static func noRefund(_ id: Int64) -> CommandFailure {
        CommandFailure(.noSuchRefund, ["there is no refund #\(id)"])
    }

    /// Returns the failure of a command on a refund that already has a verdict.
    static func isFinal(_ refund: Refund, _ tx: any QueueReader) throws(StoreError) -> CommandFailure {
        let end = try tx.ledger(refundID: refund.id).last { $0.from != $0.to }
        let since = end.map { " since \($0.at.iso8601)" } ?? ""
        let by = end.map { $0.actor == Transition.refundd ? "" : ", set by \($0.actor)" } ?? ""
        return CommandFailure(
            .failed,
            ["\(refund.title) is \(refund.state.rawValue)\(since)\(by); a final state never changes"]
        )
    }
}

extension Refund {
    /// The refund's name in messages.
    package var title: String { "#\(id) \(number)" }
}
