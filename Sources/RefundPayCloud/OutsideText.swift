import RefundCore

extension JSONValue {
    /// The text of a string or the token of a number; nil when it is blank or of another type.
    var text: String? {
        switch self {
        case .string(let text): text.allSatisfy(\.isWhitespace) ? nil : text
        case .number(let token): token
        case .bool, .null, .object, .array: nil
        }
    }
}

extension String {
    /// This text on one line and of bounded length, for a message that a person reads.
    ///
    /// Counted in Unicode scalars, since a single character may be of any length.
    ///
    /// - Parameter limit: The greatest number of scalars.
    /// - Returns: The text, with an ellipsis for what is left out.
    func legible(upTo limit: Int) -> String {
        // Nearly every text is short and plain.
        if utf8.count <= limit, utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
        let start = unicodeScalars.prefix(limit)
        let line = start.map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(line)) + (start.endIndex < unicodeScalars.endIndex ? "…" : "")
    }

    /// This text in quotation marks and of bounded length, for a reason in which it is not refundd's own words.
    var quotedBriefly: String {
        JSONText.quoted(legible(upTo: 80))
    }
}
