import GRDB
import Glibc
package import RefundCore
package import RefundStore
import Synchronization

extension SQLiteStore {
    package func hasForeignCommits() throws(StoreError) -> Bool {
        let (version, isOtherSchema) = try onConnection { db in
            try requireFiles(db)
            let version = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0
            guard version != connection.dataVersion else { return (version, false) }
            // Another process may have restored an older copy into the open file.
            try requirePositions(db)
            let schema = try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA schema_version"))
            return (version, connection.schemaVersion.map { $0 != schema } ?? false)
        }
        if isOtherSchema { try restoreSchema() }
        // Stored last, so that after a failure the next call finds the same commits.
        return try onConnection { _ in
            defer { connection.dataVersion = version }
            return version != connection.dataVersion
        }
    }

    package func upkeep(at now: Timestamp) -> [StoreEvent] {
        let pending = events.withLock { events in
            defer { events = [] }
            return events
        }
        return pending + wal.check(at: now, truncate: truncateWAL)
    }

    // Source: <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>.
    private func truncateWAL() {
        try? onConnection { db in
            try requireFiles(db)
            // Others can write during the copying; the truncation is short and never waits.
            _ = try db.checkpoint(.passive)
            try db.execute(sql: "PRAGMA busy_timeout = 0")
            defer { try? db.execute(sql: "PRAGMA busy_timeout = \(Self.busyTimeout.wholeMilliseconds)") }
            _ = try db.checkpoint(.truncate)
        }
    }

    package func makeWakeSource(_ wake: @escaping @Sendable () -> Void) -> any WakeSource {
        let report: @Sendable (StoreEvent) -> Void = { [weak self] event in
            self?.events.withLock { $0.append(event) }
        }
        return CommitWatcher(databasePath: path, wake: wake, report: report)
    }

    // MARK: - Lost files

    /// Checks that none of the database's files was deleted or replaced, and that all can still be looked up.
    ///
    /// After such a loss, this connection sees a database of its own. Closing it would checkpoint over the later writes
    /// of other processes, so it stays open until the process ends.
    ///
    /// A file that cannot be looked up may be intact, so nothing is written until it is found again.
    ///
    /// - Parameters:
    ///   - db: The connection.
    ///   - isCommitted: Whether the files were seen before a commit that was made since: hiding them does not undo it.
    /// - Throws: `StoreError.lost`, at once and at every later use; `StoreError.cannotOpen` while a file is hidden.
    func requireFiles(_ db: Database, isCommitted: Bool = false) throws(StoreError) {
        guard connection.ending == nil, let change = files.change else { return }
        let lost: String
        switch change {
        case .hidden where isCommitted: return
        case .hidden(let file, let error):
            let obstacle = DatabaseCheck(path: path, user: .current).accessFindings().first { $0.gravity == .problem }
            throw .hidden(file, error, obstacle)
        case .lost(let file): lost = file
        }
        // A replaced lock file leaves the database itself intact.
        let isApart = !lost.hasSuffix(".lock")
        if isApart { Self.abandoned.withLock { $0.append(database) } }
        let error = StoreError.lost(lost, copy: isApart && access == .readWrite ? rescue(db) : nil)
        connection.ending = error
        throw error
    }

    /// Copies the database that only this connection still sees.
    ///
    /// - Returns: The copy's name, or nil if there is none.
    private func rescue(_ db: Database) -> String? {
        for number in 1...Self.rescueLimit {
            let name = DatabasePath.real(path) + (number == 1 ? ".rescued" : ".rescued-\(number)")
            let file = unsafe open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            if file < 0, errno == EEXIST { continue }
            guard file >= 0 else { return nil }
            defer { Glibc.close(file) }
            do throws(StoreError) {
                try copy(db, to: name, file)
                return name
            } catch {
                unsafe unlink(name)
                return nil
            }
        }
        return nil
    }

    // Only an operator removes the copies, and a service manager restarts the daemon after each loss.
    private static let rescueLimit = 10
    private static let abandoned = Mutex<[DatabaseQueue]>([])
}
