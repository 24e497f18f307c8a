/// A value as it was written, before anybody asked what it should be.
package enum RawValue: Sendable {
    case text(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case time
    case list([RawValue])
    case table([String: RawValue])
    /// The text of an environment variable, which has no type of its own and is whatever its key takes.
    case variable(String)

    /// The text, where text was written.
    var text: String? {
        switch self {
        case .text(let text), .variable(let text): text
        default: nil
        }
    }

    /// Refuses this value because its type is wrong.
    ///
    /// Only a number is shown: text in the wrong place may be a secret that was meant to be in a file.
    func refusal(expected: String, remedy: String) -> Refusal {
        Refusal("is \(typeName) where \(expected) belongs", remedy, value: shownNumber)
    }

    private var shownNumber: String? {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .boolean(let value): "\(value)"
        default: nil
        }
    }

    private var typeName: String {
        switch self {
        case .text, .variable: "text"
        case .integer: "a whole number"
        case .number: "a number with a fraction"
        case .boolean: "a boolean"
        case .time: "a date or time"
        case .list: "an array"
        case .table: "a table"
        }
    }
}
