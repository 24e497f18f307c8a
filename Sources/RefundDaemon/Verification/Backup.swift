import Glibc
package import RefundStoreSQLite

/// Makes a copy of a database that can be trusted: complete, checked and on the disk before it has its name.
package enum Backup: Sendable {
    /// Copies a database and checks the copy.
    ///
    /// The copy is written to `FILE.partial`, readable by its owner alone, and gets its name last, so that a file with
    /// that name is always a whole one. A copy whose file is whole but whose ledger is not keeps its name: the ledger of
    /// the database is no better.
    ///
    /// - Parameters:
    ///   - store: The database; others may write to it meanwhile.
    ///   - file: The copy, which must not be there yet.
    ///   - keys: What the stored answers are checked with.
    /// - Returns: What the check of the copy found.
    /// - Throws: `CommandFailure` when there is no copy, and what became of its parts.
    package static func make(
        of store: RefundStore,
        to file: String,
        _ keys: GatewayKeys
    ) throws(CommandFailure) -> Verification {
        guard !store.owns(file) else {
            throw CommandFailure(.failed, ["\(file) belongs to the database itself; give the copy another name"])
        }
        guard !exists(file) else {
            throw CommandFailure(.failed, ["\(file) is there already; give the copy another name"])
        }
        let partial = file + ".partial"
        try create(partial)
        let verification: Verification
        do throws(StoreError) {
            try store.copy(to: partial)
            let copy = try RefundStore(path: partial, access: .readOnly)
            defer { copy.close() }
            verification = try Verification(copy, keys)
            if let damage = verification.damage { throw StoreError.damaged(path: store.path, reason: damage) }
        } catch {
            // Page by page the copy is what the database is.
            var error = error
            if case .damaged(_, let reason) = error { error = .damaged(path: store.path, reason: reason) }
            throw CommandFailure(.database, [error.description, removed(partial)])
        }
        try synchronise(partial, of: partial)
        try name(partial, file)
        // The name, too, must outlive a power cut.
        try synchronise(folder(of: file), of: file)
        return verification
    }

    private static func name(_ partial: String, _ file: String) throws(CommandFailure) {
        // A link replaces nothing. Some file systems know none, and there a second look must do.
        if unsafe link(partial, file) == 0 {
            guard unsafe unlink(partial) == 0 else { throw failure("remove", partial, of: file) }
            return
        }
        guard errno != EEXIST, !exists(file) else {
            throw CommandFailure(.failed, ["\(file) has been made by somebody else meanwhile; the copy is \(partial)"])
        }
        guard unsafe rename(partial, file) == 0 else { throw failure("rename to", file, of: partial) }
    }

    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0
    }

    private static func create(_ partial: String) throws(CommandFailure) {
        let descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        guard errno == EEXIST else { throw CommandFailure(.database, ["cannot create \(partial): \(reason())"]) }
        let cause = "it is left of a backup that was interrupted or is damaged, or another one runs"
        throw CommandFailure(.failed, ["\(partial) is there already: \(cause); remove it, or give another name"])
    }

    private static func synchronise(_ path: String, of copy: String) throws(CommandFailure) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path, of: copy) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("synchronise", path, of: copy) }
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }

    private static func removed(_ partial: String) -> String {
        unsafe unlink(partial) == 0
            ? "there is no copy; the part that was written is removed"
            : "there is no copy; remove \(partial), which cannot be removed from here: \(reason())"
    }

    private static func failure(_ verb: String, _ path: String, of copy: String) -> CommandFailure {
        let reason = reason()
        return CommandFailure(.database, ["cannot \(verb) \(path): \(reason)", "do not rely on \(copy)"])
    }

    private static func reason() -> String {
        unsafe String(cString: strerror(errno))
    }
}
