extension String {
    // Enough to recognise a value by; a message is one line.
    private static let shownLength = 80

    /// This text as a message may carry it: shortened, and with control characters escaped so that it stays one line.
    var shown: String {
        var result = ""
        for scalar in unicodeScalars.prefix(Self.shownLength) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return unicodeScalars.dropFirst(Self.shownLength).isEmpty ? result : result + "…"
    }

    /// This text in quotes, as a message may carry it.
    var quoted: String {
        "\"\(shown)\""
    }

    /// Whether it has a control character.
    var hasControlCharacter: Bool {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
