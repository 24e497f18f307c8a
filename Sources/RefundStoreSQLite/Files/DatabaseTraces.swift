import Foundation
import Glibc
import RefundCore
import RefundStore

/// What is left beside a database that is gone: proof that a queue existed, so that no command replaces it with an
/// empty one.
struct DatabaseTraces {
    /// The files, the strongest proof first.
    let files: [String]

    /// Looks for traces of a database that does not exist or is empty.
    ///
    /// Its `-wal` may hold refunds that nobody has seen yet, and SQLite deletes it when it creates the database again. A
    /// `-journal` beside an empty file may be that of a process that is just creating the queue.
    ///
    /// - Parameter path: The database.
    init(ofMissing path: String) {
        let real = DatabasePath.real(path)
        let journals = [real + "-wal", real + "-journal"].filter(Self.hasContent)
        // Looked for after its journal, the file is there if a process is creating it.
        let hasFile = FileIdentity(path: real) != nil
        files = journals.filter { !hasFile || !$0.hasSuffix("-journal") } + Self(ofLost: path).files
    }

    /// Looks for traces of a queue in a database that has none.
    ///
    /// - Parameter path: The database.
    init(ofLost path: String) {
        let (real, folder) = (DatabasePath.real(path), DatabasePath.folder(of: path))
        let rescued = real.dropFirst(folder.count) + ".rescued"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let copies = names.filter { $0.hasPrefix(rescued) }.sorted().map { folder + $0 }
        files = ([real + ".lock"] + copies).filter(Self.hasContent)
    }

    /// Whether a database is missing or empty.
    ///
    /// - Throws: `StoreError.cannotOpen` if its folder is missing or cannot be searched, which says nothing about the
    ///   database, or if it is not a regular file: opening a pipe would wait forever.
    static func isMissing(_ path: String) throws(StoreError) -> Bool {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG else { throw .cannotOpen(path, "it is not a regular file") }
            return status.st_size == 0
        }
        let error = SystemError()
        guard error.code == ENOENT || error.code == ENOTDIR else { throw .cannotOpen(path, error.description) }
        let folder = DatabasePath.folder(of: path)
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .cannotOpen(path, "the folder \(folder) does not exist; mount its file system or create it")
        }
        return true
    }

    // Does not follow a link: the name in the folder counts, wherever it leads.
    private static func hasContent(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_size > 0
    }
}
