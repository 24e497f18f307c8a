/// What a check of refundd or its surroundings found.
package struct Finding: Hashable, Sendable {
    /// How much a finding matters.
    package enum Gravity: Int, Hashable, Comparable, Sendable {
        /// Everything is as it should be.
        case fine
        /// Worth knowing, and no operator needs to act.
        case note
        /// It works for now, or in part.
        case warning
        /// It does not work.
        case problem

        package static func < (left: Gravity, right: Gravity) -> Bool { left.rawValue < right.rawValue }
    }

    /// How much it matters.
    package var gravity: Gravity
    /// What was checked, such as `database`.
    package var subject: String
    /// What was found, in one sentence.
    package var text: String
    /// The command that fixes it, or shows more; nil if no command can.
    package var command: String?

    /// Creates a finding.
    package init(_ gravity: Gravity, _ subject: String, _ text: String, run command: String? = nil) {
        self.gravity = gravity
        self.subject = subject
        self.text = text
        self.command = command
    }

    /// The sentence with its command.
    package var line: String { command.map { "\(text); run: \($0)" } ?? text }
}

extension String {
    /// The text, quoted as one word of a shell command if necessary.
    package var asShellWord: String {
        let isPlain = !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-+,:=@%".contains($0)) }
        return isPlain ? self : "'\(replacing("'", with: "'\\''"))'"
    }
}
