import Glibc
import RefundConfiguration
import RefundCore

/// The file of a key, a secret or a certificate bundle.
struct CredentialFile {
    // Larger than any system's CA bundle, and small enough to read at once.
    private static let sizeLimit = 1 << 20

    /// The content.
    let bytes: [UInt8]
    /// The file's owner and mode.
    let protection: FileProtection

    /// Reads a file.
    init(path: String) throws(CredentialFileError) {
        do throws(SystemError) {
            let file = try OpenFile(path: path)
            protection = FileProtection(owner: file.owner, mode: file.mode)
            // Reading anything but a regular file may block forever.
            bytes = file.mode & S_IFMT == S_IFREG ? try file.bytes(limit: Self.sizeLimit) : []
        } catch {
            throw CredentialFileError(error)
        }
        guard protection.mode & S_IFMT == S_IFREG else {
            throw CredentialFileError(description: "not a regular file")
        }
        guard bytes.count <= Self.sizeLimit else {
            throw CredentialFileError(description: "the file is larger than \(Self.sizeLimit) bytes")
        }
    }
}

/// Why a file cannot be read; never quotes its content.
struct CredentialFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such file.
    static let missing = CredentialFileError(description: "the file does not exist")

    let description: String
}

extension CredentialFileError {
    fileprivate init(_ error: SystemError) {
        switch error.code {
        case ENOENT, ENOTDIR: self = .missing
        case EACCES, EPERM:
            self.init(description: "user \(geteuid()) cannot read the file; give it to that user with chown")
        default: self.init(description: "cannot read the file: \(error)")
        }
    }
}

/// The owner and mode of a file that the configuration names.
struct FileProtection: Hashable, Sendable {
    // Permission bits, see inode(7).
    private static let groupMayWrite: UInt32 = 0o020
    private static let othersMayRead: UInt32 = 0o004
    private static let othersMayWrite: UInt32 = 0o002
    private static let root: UInt32 = 0

    /// The owner's user id.
    var owner: UInt32
    /// The file's mode.
    var mode: UInt32

    /// Describes the faults of the protection, with the command that fixes them.
    ///
    /// The group may read: that is how root shares a key with the daemon, and the access control list of a systemd
    /// credential appears in the group's bits.
    ///
    /// - Parameters:
    ///   - need: The protection that the file needs.
    ///   - path: The file, for the command.
    ///   - user: The user that the daemon runs as; nil if unknown, and then any owner is accepted.
    /// - Returns: The end of a sentence, or nil if nothing is wrong.
    func problem(_ need: CredentialNeed, path: String, user: UInt32?) -> String? {
        var faults: [String] = []
        if need == .secrecy, mode & Self.othersMayRead != 0 { faults.append("is readable by others") }
        if mode & Self.othersMayWrite != 0 {
            faults.append("is writable by others")
        } else if mode & Self.groupMayWrite != 0 {
            faults.append("is writable by its group")
        }
        let isForeign = owner != Self.root && owner != user ?? owner
        if isForeign, let user {
            faults.append("belongs to user \(owner), who is neither root nor user \(user), who runs refundd")
        }
        guard !faults.isEmpty else { return nil }

        let file = path.asShellWord
        let chmod = "chmod \(need == .secrecy ? "600" : "go-w") \(file)"
        // With mode 600, only its owner can read the file.
        let locksOut = need == .secrecy && owner != user
        let chown = user.flatMap { isForeign || locksOut ? "chown \($0) \(file) && " : nil }
        return "\(faults.joined(separator: " and ")); run: \(chown ?? "")\(chmod)"
    }
}
