/// Why a text is not the JSON object that was wanted, with the byte where it shows.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, such as "member \"code\" stands twice".
    package let problem: String
    /// The offset in bytes from the start of the text.
    package let offset: Int
    /// Whether a name stands twice in an object, which is JSON to many readers and means something else to each.
    package var isRepeatedName = false

    /// One sentence for a log or `last_error`.
    package var description: String {
        "\(problem) at byte \(offset)"
    }
}
