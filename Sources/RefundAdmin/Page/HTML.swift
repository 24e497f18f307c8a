/// Builds HTML whose text and attribute values are always escaped: whatever a row contains stays text.
///
/// Names of elements and attributes can only be literals.
struct HTML {
    private(set) var source = ""

    /// Creates the HTML of an element's content.
    init(_ content: (inout HTML) -> Void = { _ in }) {
        content(&self)
    }

    /// Adds text.
    mutating func text(_ text: String) {
        source += Self.escaped(text)
    }

    /// Adds an element with content.
    mutating func tag(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ content: (inout HTML) -> Void
    ) {
        open(name, attributes)
        source += ">"
        content(&self)
        source += "</\(name)>"
    }

    /// Adds an element that contains only text.
    mutating func tag(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ text: String) {
        tag(name, attributes) { $0.text(text) }
    }

    /// Adds an element that never has content, such as `meta`.
    mutating func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) {
        open(name, attributes)
        source += " />"
    }

    private mutating func open(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String>) {
        source += "<\(name)"
        for (name, value) in attributes { source += " \(name)=\"\(Self.escaped(value))\"" }
    }

    /// Escapes every character that HTML or a terminal would interpret, or that could deceive a reader.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in escapedForTerminal(text).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
