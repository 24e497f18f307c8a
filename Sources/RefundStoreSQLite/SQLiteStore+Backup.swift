import GRDB
import GRDBSQLite
import Glibc
package import RefundStore

extension SQLiteStore: CopyableStore {
    // Bytes 18 and 19 of a database say 2 for WAL and 1 for a rollback journal.
    // Source: <https://www.sqlite.org/fileformat2.html#file_format_version_numbers>.
    private static let rollbackJournal: (offset: off_t, bytes: [UInt8]) = (18, [1, 1])

    package func copy(to target: String, _ file: CInt) throws(StoreError) -> any QueueStore {
        try onConnection { db in try copy(db, to: target, file) }
        let opened = try SQLiteStore(path: target, access: .readOnly)
        guard FileIdentity.isOpenTwice(file) else {
            opened.close()
            throw .replaced(target)
        }
        return opened
    }

    /// Copies the database into an empty file.
    ///
    /// SQLite opens files by name, so it may open a file other than the caller's. The copy needs no companion file
    /// and can be opened read-only; a daemon that serves it sets WAL.
    func copy(_ db: Database, to target: String, _ file: CInt) throws(StoreError) {
        let code = unsafe Self.copy(db.sqliteConnection, to: target, file)
        guard let code else { throw .replaced(target) }
        guard code == SQLITE_OK else {
            let error = DatabaseError(resultCode: ResultCode(rawValue: code))
            let isOfTarget = [.SQLITE_FULL, .SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode)
            throw StoreError(error, path: isOfTarget ? target : path)
        }
        let (offset, bytes) = Self.rollbackJournal
        guard unsafe pwrite(file, bytes, bytes.count, offset) == bytes.count else { throw .full(target) }
    }

    /// Copies a database.
    ///
    /// - Returns: SQLite's result code, or nil if the name belongs to another file.
    private static func copy(_ source: OpaquePointer?, to target: String, _ file: CInt) -> CInt? {
        var connection: OpaquePointer?
        defer { unsafe sqlite3_close_v2(connection) }
        // Without SQLITE_OPEN_CREATE, SQLite creates no file in a folder that replaced this one.
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
        let opened = unsafe sqlite3_open_v2(target, &connection, flags, nil)
        guard opened == SQLITE_OK else { return opened }
        guard FileIdentity.isOpenTwice(file) else { return nil }
        // A journal on disk would be one more file opened by name.
        let isSet = unsafe sqlite3_exec(connection, "PRAGMA journal_mode = MEMORY", nil, nil, nil)
        guard isSet == SQLITE_OK else { return isSet }
        guard let backup = unsafe sqlite3_backup_init(connection, "main", source, "main") else {
            return unsafe sqlite3_errcode(connection)
        }
        let step = unsafe sqlite3_backup_step(backup, -1)
        let finished = unsafe sqlite3_backup_finish(backup)
        return step == SQLITE_DONE ? finished : step
    }

    package func damaged(_ reason: String) -> StoreError { .damaged(path, reason) }

    package func owns(_ file: String) -> Bool {
        let (real, own) = (DatabasePath.real(file), DatabasePath.real(path))
        return ["", "-wal", "-shm", "-journal", ".lock"].contains { real == own + $0 }
    }
}

extension FileIdentity {
    /// Whether this process has a file open a second time, as it must if SQLite opened it.
    fileprivate static func isOpenTwice(_ file: CInt) -> Bool {
        let identity = FileIdentity(descriptor: file)
        let descriptors = 0..<CInt(clamping: min(sysconf(CInt(_SC_OPEN_MAX)), 65_536))
        return identity != nil && descriptors.contains { $0 != file && FileIdentity(descriptor: $0) == identity }
    }
}

extension StoreError {
    fileprivate static func replaced(_ path: String) -> StoreError {
        StoreError(
            .lost,
            location: path,
            reason: "replaced",
            description:
                "\(path) was deleted or replaced while the copy was made; back up to a folder that only you may write to"
        )
    }
}
