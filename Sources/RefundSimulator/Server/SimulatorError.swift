/// The reason why the simulator cannot be set up or started, as one sentence for the terminal.
public struct SimulatorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and what to change.
    public let description: String

    /// Creates an error from its sentence.
    public init(_ description: String) {
        self.description = description
    }
}
