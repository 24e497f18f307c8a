/// The reason why a scenario file cannot be used, with the place where it shows.
package struct ScenarioFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name.
    package let file: String
    /// The key, such as `orders."R-1001".amount`, or nil when it is the file as a whole.
    package let key: String?
    /// What is wrong and what to write instead.
    package let problem: String

    /// One sentence for the terminal.
    package var description: String {
        key.map { "\(file): \($0): \(problem)" } ?? "\(file): \(problem)"
    }
}
