/// Why the database cannot be used, in one sentence that says what to change.
package enum StoreError: Error, Sendable, CustomStringConvertible {
    /// The file cannot be opened or created.
    case cannotOpen(path: String, reason: String)
    /// Another program holds the file, so that it cannot be switched to WAL or written.
    case busy(path: String, holders: [String])
    /// Another daemon serves this database.
    case alreadyServed(path: String)
    /// The file was migrated by a newer refundd.
    case newerSchema(path: String, migration: Int)
    /// The queue in the file was made by an older refundd and was not brought up to date yet.
    case olderSchema(path: String, migration: Int)
    /// The file has something of the queue's names that refundd did not make.
    case namesTaken(path: String, reason: String)
    /// The file stores text as UTF-16, in which the queue's guards cannot count bytes.
    case unsupportedEncoding(path: String, encoding: String)
    /// The file has no queue yet.
    case notInitialised(path: String)
    /// The queue is gone that a daemon served before, with its file or without.
    case missing(path: String)
    /// A trigger or constraint refused a row.
    case refused(reason: String)
    /// The disk has no room for what is to be written.
    case full(path: String)
    /// The file or its file system cannot be written.
    case readOnly(path: String)
    /// What the file holds is no database, or no longer a whole one.
    case damaged(path: String, reason: String)
    /// The file was deleted or replaced since it was opened; what is written now is lost, or another daemon's.
    case lost(path: String)
    /// SQLite cannot do its work for another reason, such as a disk that fails.
    case failed(path: String, reason: String)

    /// Whether trying again can only make it worse: the daemon must stop.
    ///
    /// What stands in a damaged file means nothing, so a daemon that went on might settle what is not settled, and
    /// write over what could still be rescued. What is written to a lost file is gone with the daemon.
    package var isBeyondRetrying: Bool {
        switch self {
        case .damaged, .lost: true
        default: false
        }
    }

    /// The sentence.
    package var description: String {
        switch self {
        case .cannotOpen(let path, let reason):
            "cannot open the database \(path): \(reason); check [database] path and the rights of its folder"
        case .busy(let path, let holders):
            "the database \(path) is held by \(holders.isEmpty ? "another program" : holders.joined(separator: ", "))"
                + "; end its transaction or close it"
        case .alreadyServed(let path):
            "another refundd runs on the database \(path); one daemon serves one database"
        case .newerSchema(let path, let migration):
            "the database \(path) has migration \(migration), which this refundd does not know; install a newer refundd"
        case .olderSchema(let path, let migration):
            "the database \(path) has migration \(migration) of an older refundd; bring it up to date by restarting the"
                + " daemon or by refundd init, and a backup only in a copy of it"
        case .namesTaken(let path, let reason):
            "the database \(path) has tables, indexes or triggers named refund_... that refundd did not make (\(reason));"
                + " rename them, or give [database] path another file"
        case .unsupportedEncoding(let path, let encoding):
            "the database \(path) is encoded as \(encoding), and refundd needs UTF-8;"
                + " give [database] path another file, or dump the database and load it into a new one"
        case .notInitialised(let path):
            "the database \(path) has no queue yet; run refundd init"
        case .missing(let path):
            "the queue of the database \(path) is gone: \(path).lock shows that refundd served it before;"
                + " put the database back, or run refundd init to begin with an empty queue"
        case .refused(let reason):
            "the database refused a row: \(reason)"
        case .full(let path):
            "the disk of the database \(path) is full; make room on it"
        case .readOnly(let path):
            "the database \(path) cannot be written; make the file, its folder and its file system writable"
        case .damaged(let path, let reason):
            "the database \(path) is damaged (\(reason)); stop every program that uses it, keep a copy of it with its -wal,"
                + " and put the last good backup in its place"
        case .lost(let path) where path.hasSuffix("-wal") || path.hasSuffix("-shm"):
            "\(path) was deleted or replaced while it was in use; stop every program that uses the database,"
                + " leave its files to SQLite, and start refundd again"
        case .lost(let path) where path.hasSuffix(".lock"):
            "\(path) was deleted or replaced while it was in use, so that another refundd might serve the database as"
                + " well; leave it there, and start refundd again"
        case .lost(let path):
            "\(path) was deleted or replaced while it was in use, and what is written now would be lost;"
                + " put the right database in its place, a backup without the old -wal and -shm, and start refundd again"
        case .failed(let path, let reason):
            "the database \(path) cannot be used: \(reason); check the disk and the system's log"
        }
    }

    /// The word that tells this kind of error from the others.
    package var kind: String {
        switch self {
        case .cannotOpen: "cannot_open"
        case .busy: "busy"
        case .alreadyServed: "already_served"
        case .newerSchema: "newer_schema"
        case .olderSchema: "older_schema"
        case .namesTaken: "names_taken"
        case .unsupportedEncoding: "unsupported_encoding"
        case .notInitialised: "not_initialised"
        case .missing: "missing"
        case .refused: "refused"
        case .full: "full"
        case .readOnly: "read_only"
        case .damaged: "damaged"
        case .lost: "lost"
        case .failed: "failed"
        }
    }
}
