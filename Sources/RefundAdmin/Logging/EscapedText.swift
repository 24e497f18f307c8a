package import RefundCore

/// Escapes every character that a terminal would act on or a reader would not see.
///
/// Control characters (C0, DEL and C1, hence every escape sequence), line and paragraph separators and characters that
/// change the direction of writing become `\n`, `\r`, `\t` or `\u{1b}`. Everything else stays, backslashes included: the
/// result is for people, not for parsing.
///
/// Sources: ECMA-48 for control characters, <https://www.unicode.org/reports/tr9/> for the direction of writing.
package func escapedForTerminal(_ text: String) -> String {
    escaped(text) { scalar in
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{\(String(scalar.value, radix: 16))}"
        }
    }
}

extension JSONWriter {
    /// The JSON text with the same characters as `\u` escapes, which do not change its meaning.
    package var textForTerminal: String {
        // JSONWriter writes such characters only within strings.
        escaped(text) { scalar in
            String(scalar).utf16.map { "\\u\(String(0x1_0000 + UInt32($0), radix: 16).dropFirst())" }.joined()
        }
    }
}

private func escaped(_ text: String, _ escape: (Unicode.Scalar) -> String) -> String {
    guard !text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) else { return text }
    var escaped = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if scalar.misleadsTerminal {
            escaped += escape(scalar).unicodeScalars
        } else {
            escaped.append(scalar)
        }
    }
    return String(escaped)
}

extension Unicode.Scalar {
    /// Whether a terminal acts on the character instead of showing it, or the character deceives a reader.
    package var misleadsTerminal: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        case 0x20..<0x7F: false
        default: properties.isBidiControl
        }
    }
}
