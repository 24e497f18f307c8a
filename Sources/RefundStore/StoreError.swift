/// Why the database cannot be used, in one sentence that says what to change.
public enum StoreError: Error, Sendable, CustomStringConvertible {
    /// The file cannot be opened or created.
    case cannotOpen(path: String, reason: String)
    /// Another program holds the file, so that it cannot be switched to WAL or written.
    case busy(path: String, holders: [String])
    /// Another daemon serves this database.
    case alreadyServed(path: String)
    /// The file was migrated by a newer refundd.
    case newerSchema(path: String, migration: Int)
    /// The file has no queue yet.
    case notInitialised(path: String)
    /// A trigger or constraint refused a row.
    case refused(reason: String)
    /// SQLite cannot do its work: the disk is full, the file is read-only, damaged or gone.
    case failed(reason: String)

    /// The sentence.
    public var description: String {
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
        case .notInitialised(let path):
            "the database \(path) has no queue yet; run refundd init"
        case .refused(let reason):
            "the database refused a row: \(reason)"
        case .failed(let reason):
            "the database cannot be used: \(reason)"
        }
    }
}
