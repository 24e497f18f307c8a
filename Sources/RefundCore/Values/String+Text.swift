extension String {
    /// A sentence as part of another one: without its full stop.
    package var asClause: String { hasSuffix(".") ? String(dropLast()) : self }

    /// Whether this text has the same bytes as another.
    ///
    /// Strings are equal if Unicode considers them equivalent; to JSON and to gateways they are not.
    package func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let (bytes, others) = (utf8.span, other.utf8.span)
        for index in bytes.indices where bytes[index] != others[index] { return false }
        return true
    }

    /// Whether this text comes before another one when their UTF-8 bytes are compared.
    package func precedesInBytes(_ other: String) -> Bool {
        let (bytes, others) = (utf8.span, other.utf8.span)
        for index in 0..<min(bytes.count, others.count) where bytes[index] != others[index] {
            return bytes[index] < others[index]
        }
        return bytes.count < others.count
    }

    /// Returns the text as refundd stores and shows text from outside: on one line and of bounded length.
    ///
    /// Control characters and line separators become blanks. SQLite's text functions stop at U+0000 and JSON strings do
    /// not, so text must be sanitized once, before the row, the ledger and the event are built from it.
    ///
    /// - Parameter maxLength: The greatest number of Unicode scalars; a single character may have any number of them.
    /// - Returns: The text, ending with an ellipsis if it was longer.
    package func sanitized(maxLength: Int) -> String {
        // Nearly every text is short and plain.
        let bytes = utf8.span
        if bytes.count <= maxLength, bytes.indices.allSatisfy({ 0x20..<0x7F ~= bytes[$0] }) { return self }
        let start = unicodeScalars.prefix(maxLength)
        let line = start.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: " "
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(line)) + (start.endIndex < unicodeScalars.endIndex ? "…" : "")
    }
}
