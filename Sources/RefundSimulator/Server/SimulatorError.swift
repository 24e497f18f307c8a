/// The reason why the simulator cannot be set up or started, as one sentence for the terminal.
package struct SimulatorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong and what to change.
    package let description: String

    /// Creates an error from its sentence.
    package init(_ description: String) {
        self.description = description
    }
}
