/// How a log line is written.
package enum LogFormat: Sendable, CaseIterable {
    /// A syslog priority in angle brackets, then the message; the journal adds the time itself.
    ///
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/sd-daemon.html>.
    case journald
    /// The time, the level, the message and its metadata, for eyes.
    case text
    /// One JSON object, for programs.
    case json

    /// Creates the format that `[log] format` names, or nil for a name it does not know.
    ///
    /// - Parameters:
    ///   - name: `auto`, `text` or `json`; `auto` is `journald` where standard error goes to the journal, else `text`.
    ///   - environment: The process's environment, for `$JOURNAL_STREAM`.
    package init?(named name: String, environment: [String: String]) {
        switch name {
        case "auto": self = Self.isJournal(standardErrorDescriptor, environment) ? .journald : .text
        case "text": self = .text
        case "json": self = .json
        default: return nil
        }
    }

    /// Whether a descriptor is the connection to the journal that the service manager announced.
    ///
    /// The variable holds device and inode, so that output sent elsewhere since is noticed.
    /// Source: <https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html> (`$JOURNAL_STREAM`).
    static func isJournal(_ descriptor: Int32, _ environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        return stream == deviceAndInode(of: descriptor)
    }
}
