import Glibc
import RefundCore
package import RefundStore

/// Makes a trustworthy copy of a database: complete, checked, and on disk before it gets its name.
package enum Backup: Sendable {
    /// Copies a database and checks the copy.
    ///
    /// The copy is written to `FILE.partial`, readable by its owner alone, and gets its name last, so a file with that
    /// name is always complete. A complete copy whose ledger has problems keeps its name: the database's ledger is no
    /// better.
    ///
    /// Other users may be able to write to the folder. Even if they replace the partial file, only the file that was
    /// created here is ever written, checked or named.
    ///
    /// - Parameters:
    ///   - store: The database; other processes may write to it meanwhile.
    ///   - file: The copy, which must not exist.
    ///   - keys: The keys that verify the stored answers.
    ///   - isCreated: Called once the partial file exists, for tests.
    ///   - report: Called now and then with the number of refunds checked so far.
    /// - Returns: The result of checking the copy.
    /// - Throws: `CommandFailure` if there is no copy; its message says what happened to the partial file.
    package static func make(
        of store: any QueueStore,
        to file: String,
        _ keys: GatewayKeys,
        isCreated: () -> Void = {},
        report: (Int) -> Void = { _ in }
    ) throws(CommandFailure) -> Verification {
        guard let store = store as? any CopyableStore else {
            let tools = store.backupTools.map { ": use \($0)" } ?? ""
            throw CommandFailure(.usage, ["\(store.location) is on a server, which has tools for that\(tools)"])
        }
        guard !store.owns(file) else {
            throw CommandFailure(.failed, ["\(file) belongs to the database itself; give the copy another name"])
        }
        let partial = try PartialFile(for: file)
        isCreated()
        let verification: Verification
        do throws(StoreError) {
            let copy = try store.copy(to: partial.path, partial.descriptor)
            defer { copy.close() }
            verification = try Verification(copy, keys, report)
        } catch {
            // The copy is identical page by page, so its damage is the database's.
            throw partial.discarded(error.kind == .damaged ? store.damaged(error.reason) : error)
        }
        if let damage = verification.damage { throw partial.discarded(store.damaged(damage)) }
        try partial.publish()
        return verification
    }
}

/// `FILE.partial`, in a folder that is opened once, so that renaming or replacing folder or file redirects no write.
private final class PartialFile {
    let path: String
    let descriptor: CInt
    private let file: String
    private let folder: CInt
    private let name: String

    private var partialName: String { name + ".partial" }

    init(for file: String) throws(CommandFailure) {
        name = file.fileName
        self.file = file
        path = file + ".partial"
        folder = unsafe open(file.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else {
            throw CommandFailure(.database, ["cannot open the folder \(file.folder): \(SystemError())"])
        }
        guard Self.status(folder, name) == nil else {
            close(folder)
            throw CommandFailure(.failed, ["\(file) already exists; give the copy another name"])
        }
        descriptor = unsafe openat(folder, name + ".partial", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let error = SystemError()
            close(folder)
            guard error.code == EEXIST else {
                throw CommandFailure(.database, ["cannot create \(path): \(error)"])
            }
            let cause = "an interrupted backup left it, or another backup is running"
            throw CommandFailure(
                .failed,
                ["\(path) already exists: \(cause); remove it, or give the copy another name"]
            )
        }
    }

    deinit {
        close(descriptor)
        close(folder)
    }

    /// Gives the copy its name, once it is on disk.
    func publish() throws(CommandFailure) {
        guard fsync(descriptor) == 0 else { throw failure("cannot synchronize \(path): \(SystemError())") }
        // A link never replaces a file, and this one refers to the descriptor's file even if its name was taken over.
        if unsafe linkat(AT_FDCWD, "/proc/self/fd/\(descriptor)", folder, name, AT_SYMLINK_FOLLOW) == 0 {
            if isInPlace, unsafe unlinkat(folder, partialName, 0) != 0 {
                throw failure("cannot remove \(path): \(SystemError())")
            }
        } else {
            guard errno != EEXIST, Self.status(folder, name) == nil else {
                let problem = "another process created \(file) meanwhile; the copy is \(path)"
                throw CommandFailure(.failed, [problem])
            }
            guard isInPlace else { throw failure("\(path) was deleted or replaced while the copy was made") }
            // Some file systems have no hard links.
            guard unsafe renameat(folder, partialName, folder, name) == 0 else {
                throw failure("cannot rename \(path) to \(file): \(SystemError())")
            }
            guard isCreatedFile(name) else { throw failure("\(path) was replaced while the copy was made") }
        }
        // The name, too, must survive a power cut.
        guard fsync(folder) == 0 else { throw failure("cannot synchronize the folder of \(file): \(SystemError())") }
    }

    /// Removes the partial file after an error.
    ///
    /// - Returns: The failure; its message says what happened to the file.
    func discarded(_ error: StoreError) -> CommandFailure {
        let remains =
            if !isInPlace {
                "there is no copy; \(path) was deleted or replaced by another process"
            } else if unsafe unlinkat(folder, partialName, 0) == 0 {
                "there is no copy; the partial file was removed"
            } else {
                "there is no copy; remove \(path), which could not be removed: \(SystemError())"
            }
        return CommandFailure(.database, [error.description, remains])
    }

    private func failure(_ problem: String) -> CommandFailure {
        CommandFailure(.database, [problem, "do not rely on \(file) or \(path)"])
    }

    private var isInPlace: Bool { isCreatedFile(partialName) }

    /// Whether a name still refers to the created file.
    private func isCreatedFile(_ name: String) -> Bool {
        var created = stat()
        guard let named = Self.status(folder, name), unsafe fstat(descriptor, &created) == 0 else { return false }
        return named.st_dev == created.st_dev && named.st_ino == created.st_ino
    }

    private static func status(_ folder: CInt, _ name: String) -> stat? {
        var status = stat()
        return unsafe fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }
}
