/// Who may read and write a file that the configuration names.
struct FileProtection: Hashable, Sendable {
    /// What others must not do with a file.
    enum Need: Sendable {
        /// Read it or write to it: a private key or a secret.
        case secrecy
        /// Write to it: whoever can change the gateway's public key can forge its answers.
        case integrity
    }

    // Permission bits, see inode(7).
    private static let groupMayWrite: UInt32 = 0o020
    private static let othersMayRead: UInt32 = 0o004
    private static let othersMayWrite: UInt32 = 0o002
    private static let root: UInt32 = 0

    /// The owner's number.
    var owner: UInt32
    /// The file's mode.
    var mode: UInt32

    /// What is wrong with the protection, and the command that mends it.
    ///
    /// The group may read: that is how a key of root's is shared with the daemon alone, and how systemd's credentials
    /// look, whose access control list shows as the group's bits.
    ///
    /// - Parameters:
    ///   - need: What the file needs.
    ///   - path: The file, for the command.
    ///   - user: The number of the user that the daemon runs as; nil where that is not known, and then any owner is
    ///     right.
    /// - Returns: The end of a sentence, or nil when nothing is wrong.
    func problem(_ need: Need, path: String, user: UInt32?) -> String? {
        var faults: [String] = []
        if need == .secrecy, mode & Self.othersMayRead != 0 { faults.append("is readable by others") }
        if mode & Self.othersMayWrite != 0 {
            faults.append("is writable by others")
        } else if mode & Self.groupMayWrite != 0 {
            faults.append("is writable by its group")
        }
        let isForeign = owner != Self.root && owner != user ?? owner
        if isForeign, let user {
            faults.append("belongs to user \(owner), who is neither root nor user \(user), who runs this")
        }
        guard !faults.isEmpty else { return nil }

        let file = path.asShellWord
        let mend = "chmod \(need == .secrecy ? "600" : "go-w") \(file)"
        // Without its group and all others, a file can only be read by its owner.
        let isLost = need == .secrecy && owner != user
        let taking = user.flatMap { isForeign || isLost ? "chown \($0) \(file) && " : nil }
        let commands = (taking ?? "") + mend
        return "\(faults.joined(separator: " and ")); run: \(commands)"
    }
}

extension String {
    /// This text as one word of a shell's command.
    fileprivate var asShellWord: String {
        let isPlain = !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+,:=@%".contains($0)) }
        return isPlain ? self : "'\(replacing("'", with: "'\\''"))'"
    }
}
