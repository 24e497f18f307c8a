import Glibc

/// Reads the files that a configuration names and collects everything that is wrong with them.
struct CredentialLoader {
    private(set) var problems: [CredentialProblem] = []
    private let user: UInt32?

    /// Creates a loader that has read nothing.
    ///
    /// - Parameter isForDaemon: Whether the daemon itself reads. A command of root's may read the files of whichever user
    ///   the daemon runs as, and must not have them taken from that user.
    init(isForDaemon: Bool) {
        user = isForDaemon || geteuid() != 0 ? geteuid() : nil
    }

    /// Reads a file; what is wrong with its protection and what is wrong with its content are two problems.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - key: The configuration's key that names it.
    ///   - need: What others must not do with it.
    ///   - parse: Makes a value of its content; its error must not quote the content.
    /// - Returns: The value, or nil when there is none.
    @discardableResult
    mutating func read<Value>(
        _ path: String,
        key: String,
        _ need: FileProtection.Need,
        _ parse: ([UInt8]) throws -> Value
    ) -> Value? {
        do {
            let file = try CredentialFile(path: path)
            if let exposure = file.protection.problem(need, path: path, user: user) {
                problems.append(CredentialProblem(key: key, path: path, problem: "the file \(exposure)"))
            }
            return try parse(file.bytes)
        } catch {
            problems.append(CredentialProblem(key: key, path: path, problem: "\(error)"))
            return nil
        }
    }
}

/// What is wrong with a file that the configuration names.
struct CredentialProblem: Hashable, Sendable, CustomStringConvertible {
    var key: String
    var path: String
    var problem: String

    var description: String {
        "\(key): \(path): \(problem)"
    }
}
