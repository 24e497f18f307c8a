/// The text with everything spelt out that a terminal would obey or hide instead of showing.
///
/// Control characters (C0, DEL and C1, so every escape sequence), line and paragraph separators and the characters
/// that turn the direction of writing become `\n`, `\r`, `\t` or `\u{1b}`. Everything else stays, backslashes too:
/// the result is for eyes, not for reading back.
///
/// Sources: ECMA-48 for the control characters, <https://www.unicode.org/reports/tr9/> for the direction.
package func escapedForTerminal(_ text: String) -> String {
    guard !text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) else { return text }
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": escaped.append(contentsOf: "\\n".unicodeScalars)
        case "\r": escaped.append(contentsOf: "\\r".unicodeScalars)
        case "\t": escaped.append(contentsOf: "\\t".unicodeScalars)
        case _ where scalar.misleadsTerminal:
            escaped.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
        default: escaped.append(scalar)
        }
    }
    return String(escaped)
}

extension Unicode.Scalar {
    /// Whether a terminal would act on the character, or a reader be deceived by it, instead of seeing it.
    package var misleadsTerminal: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        case 0x20..<0x7F: false
        default: properties.isBidiControl
        }
    }
}
