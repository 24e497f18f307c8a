import GRDB
import RefundCore
package import RefundStore

extension StoreError {
    /// Maps any error of a store's calls, and names the application's trigger or index that caused it.
    ///
    /// An error that is already mapped stays as it is.
    init(_ error: any Error, path: String, _ db: Database) {
        let mapped = StoreError(error, path: path)
        if mapped.reason.hasPrefix("no such column"), let problem = try? SchemaRepair(db).obstacles().first {
            self = .altered(path, problem)
            return
        }
        guard let error = error as? DatabaseError, let message = error.message,
            Self.isOfATrigger(error), !message.contains(/^refund_|failed: refund_|index 'refund_/),
            !mapped.isMissingIndex, mapped.kind != .missing, let culprit = Self.culprit(message, db)
        else {
            self = mapped
            return
        }
        let reason = "\(message) (\(culprit))"
        self = error.resultCode == .SQLITE_CONSTRAINT ? .rejected(path, reason) : .application(path, reason)
    }

    // A trigger may write to the application's own virtual table, whose damage is not the database's.
    private static func isOfATrigger(_ error: DatabaseError) -> Bool {
        [.SQLITE_CONSTRAINT, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_TOOBIG].contains(error.resultCode)
            || error.extendedResultCode == .SQLITE_CORRUPT_VTAB
    }

    // A message repeats a trigger's own text, or ends with the name of a missing object.
    private static func culprit(_ message: String, _ db: Database) -> String? {
        guard let all = try? SchemaRepair.foreignObjects(db), !all.isEmpty else { return nil }
        let last = message.split(separator: " ").last?.replacing("main.", with: "").split(separator: ".").first ?? ""
        let likely = all.filter { $0.sql.contains(message) || !last.isEmpty && $0.sql.contains(last) }
        let named = (likely.isEmpty ? all : likely).map { "\($0.type) \($0.name)" }
        return "the application's " + named.joined(separator: " or ")
    }

    /// Whether the error concerns one row: the database rejected it, or an application's own object failed on it.
    var isOfOneRow: Bool { kind == .rejected || kind == .application }

    /// Whether a statement names an index of refundd's that is gone.
    var isMissingIndex: Bool { reason.hasPrefix("no such index: refund_") }

    /// Maps any error of a store's calls; an error that is already mapped stays as it is.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError: self.init(error, path: path)
        default: self = .failed(path, "\(error)")
        }
    }

    private init(_ error: DatabaseError, path: String) {
        let message = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            // Others that have the file open may be waiting, too.
            let writer = FileHolders.writer(of: path).map { ["\($0)"] }
            self = .busy(path, holders: writer ?? FileHolders.names(of: path))
        case .SQLITE_CANTOPEN: self = .cannotOpen(path, message)
        case .SQLITE_FULL: self = .full(path)
        case .SQLITE_READONLY where error.extendedResultCode == .SQLITE_READONLY_DBMOVED: self = .lost(path)
        case .SQLITE_READONLY: self = .readOnly(path)
        case .SQLITE_IOERR where DatabaseFiles.isReadOnly(path: path): self = .readOnly(path)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path, message)
        case .SQLITE_CONSTRAINT: self = .rejected(path, message)
        case .SQLITE_ERROR where message.hasPrefix("no such table: refund_"):
            self = .missing(path, DatabaseTraces(ofLost: path))
        case .SQLITE_ERROR where Self.isApplications(message): self = .application(path, message)
        default: self = .failed(path, "\(message) (\(error.extendedResultCode.rawValue))")
        }
    }

    // refundd's own statements name nothing that can be missing: these errors come from others' triggers and indexes.
    private static func isApplications(_ message: String) -> Bool {
        ["no such table", "no such column", "no such function", "no such collation", "no such module", "unsafe use of"]
            .contains { message.contains($0) }
    }

    package static func cannotOpen(_ path: String, _ reason: String) -> StoreError {
        let remedy = "check [database] path and the permissions of its folder"
        let text = "cannot open the database \(path): \(reason); \(remedy)"
        return StoreError(.cannotOpen, location: path, reason: reason, description: text)
    }

    static func busy(_ path: String, holders: [String]) -> StoreError {
        let held = "held by " + (holders.isEmpty ? "another process" : holders.joined(separator: ", "))
        return StoreError(.busy, path, held, database: "is \(held); end its transaction or close it")
    }

    static func unshareable(_ path: String, _ reason: String, _ remedy: String) -> StoreError {
        let text = "cannot be shared safely: \(reason), and other programs would not find its -wal; \(remedy)"
        return StoreError(.cannotOpen, path, reason, database: text)
    }

    package static func alreadyServed(_ path: String) -> StoreError {
        let text = "another refundd serves the database \(path); stop that one first: a file has one daemon at a time"
        return StoreError(.alreadyServed, location: path, reason: "another daemon serves it", description: text)
    }

    static func olderSchema(_ path: String, migration: Int) -> StoreError {
        let text =
            "has migration \(migration) of an older refundd; restart the daemon or run refundd init to bring it up to"
            + " date; migrate a backup only in a copy of it"
        return StoreError(.olderSchema, path, "migration \(migration)", database: text)
    }

    static func namesTaken(_ path: String, _ reason: String) -> StoreError {
        let text =
            "has tables, indexes or triggers named refund_... that refundd did not make (\(reason)); rename them, or"
            + " choose another file in [database] path"
        return StoreError(.namesTaken, path, reason, database: text)
    }

    /// The loss of a queue that once existed.
    static func missing(_ path: String, _ traces: DatabaseTraces) -> StoreError {
        let proof = traces.files.isEmpty ? "" : ", as \(traces.files.joined(separator: ", ")) shows"
        let rescued = traces.files.filter { $0.contains(".rescued") }
        let copy = rescued.map { "\($0) or " }.joined()
        let leftovers = traces.files.map { "\($0) " }.joined()
        let text =
            "the queue in the database \(path) is gone\(proof); put the file back, or restore the database from"
            + " \(copy)a backup without the old -wal and -shm; only to give up every refund in it, remove"
            + " \(leftovers)and every table named refund_..."
        return StoreError(.missing, location: path, reason: "the queue is gone", description: text)
    }

    static func restored(_ path: String, _ shortfall: String) -> StoreError {
        let text =
            "is an older copy of the one that refundd has served, or another one (\(shortfall)), and readers would miss"
            + " its next events; put the newest copy in its place, or go on with this one by refundd init"
            + " --accept-restored, which continues with numbers that nobody has seen"
        return StoreError(.restored, path, shortfall, database: text)
    }

    static func application(_ path: String, _ reason: String) -> StoreError {
        let text = "a trigger or index of the application in the database \(path) fails: \(reason); repair or drop it"
        return StoreError(.application, location: path, reason: reason, description: text)
    }

    static func encoding(_ path: String, _ encoding: String) -> StoreError {
        let text =
            "has the encoding \(encoding), and refundd needs UTF-8; choose another file in [database] path, or create the"
            + " database again with PRAGMA encoding = 'UTF-8'"
        return StoreError(.cannotOpen, path, "its encoding is \(encoding)", database: text)
    }

    static func full(_ path: String) -> StoreError {
        let text = "the disk of the database \(path) is full; free some space on it"
        return StoreError(.full, location: path, reason: "the disk is full", description: text)
    }

    static func readOnly(_ path: String) -> StoreError {
        let text = "cannot be written; make the file, its folder and its file system writable"
        return StoreError(.readOnly, path, "it cannot be written", database: text)
    }

    package static func damaged(_ path: String, _ reason: String) -> StoreError {
        let text =
            "is damaged (\(reason)); stop every program that uses it, keep a copy of it with its -wal, and restore the"
            + " last good backup"
        return StoreError(.damaged, path, reason, database: text)
    }

    /// The loss of a file; `copy` is the rescued copy of the content that only this process still saw, or nil.
    static func lost(_ path: String, copy: String? = nil) -> StoreError {
        let cause = "\(path) was deleted or replaced while it was in use"
        let remedy =
            if path.hasSuffix("-wal") || path.hasSuffix("-shm") {
                "; stop every program that uses the database, leave its files to SQLite, and start refundd again"
            } else if path.hasSuffix(".lock") {
                ", so another refundd may serve the database as well; leave the file alone, and start refundd again"
            } else {
                ", and what is written now would be lost; stop every program that uses it, restore the right database, a"
                    + " backup without the old -wal and -shm, and start refundd again"
            }
        let rescued =
            copy.map {
                "; the data that only this process could still read was saved to \($0): compare it with the database"
                    + " before you start refundd again, and remove it once you no longer need it"
            } ?? ""
        return StoreError(.lost, location: path, reason: "deleted or replaced", description: cause + remedy + rescued)
    }

    /// A file that is open, but cannot be looked up any more; `obstacle` says what is in the way, if that is known.
    static func hidden(_ path: String, _ error: SystemError, _ obstacle: Finding?) -> StoreError {
        let cause = obstacle?.text ?? "\(path) cannot be looked up any more: \(error)"
        // In the service's sandbox, the names of other users are hidden.
        let command = obstacle?.command.flatMap { $0.contains("chown") ? nil : $0 } ?? "sudo refundd doctor"
        let text = "\(cause); the database is not known to be changed, so restore nothing; run: \(command)"
        return StoreError(.cannotOpen, location: path, reason: "\(error)", description: text)
    }

    static func failed(_ path: String, _ reason: String) -> StoreError {
        StoreError(.failed, path, reason, database: "failed: \(reason); check the disk and the system's log")
    }
}
