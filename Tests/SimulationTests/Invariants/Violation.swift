/// A promise that was not kept.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Ends the world when something that must hold does not.
func promise(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
    if !holds { throw Violation(otherwise()) }
}
