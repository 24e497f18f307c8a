import GRDB
package import RefundStore

extension SQLiteStore {
    /// Copies the whole database as it is now into a file of its own, while others go on writing.
    ///
    /// The copy needs no other file beside it and can be opened read-only; a daemon that serves it sets WAL.
    ///
    /// - Parameter target: The copy; what it held before is gone.
    /// - Throws: `StoreError` about the database or about the copy.
    package func copy(to target: String) throws(StoreError) {
        do {
            let copy = try DatabaseQueue(path: target)
            defer { try? copy.close() }
            try database.backup(to: copy)
            try copy.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA journal_mode = DELETE") }
        } catch let error as DatabaseError {
            let isOfTarget = [.SQLITE_FULL, .SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode)
            throw StoreError(error, path: isOfTarget ? target : path)
        } catch {
            throw StoreError(error, path: path)
        }
    }

    /// Whether a path names the database or one of the files that belong to it, whether or not they exist.
    package func owns(_ file: String) -> Bool {
        let (real, own) = (DaemonLock.realPath(file), DaemonLock.realPath(path))
        return ["", "-wal", "-shm", "-journal", ".lock"].contains { real == own + $0 }
    }
}
