/// The reason why a scenario file cannot be used, with the place where it shows.
public struct ScenarioFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name.
    public let file: String
    /// The key, such as `orders."R-1001".amount`, or nil when it is the file as a whole.
    public let key: String?
    /// What is wrong and what to write instead.
    public let problem: String

    /// One sentence for the terminal.
    public var description: String {
        key.map { "\(file): \($0): \(problem)" } ?? "\(file): \(problem)"
    }
}
