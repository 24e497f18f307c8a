package import RefundCore

/// The text with every character escaped that a terminal would act on or a reader would not see.
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
    /// The text with the same characters escaped as JSON escapes them; it means the same.
    package var textForTerminal: String {
        // Outside of strings JSONWriter writes no such character.
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
    /// Whether a terminal acts on the character, or it deceives a reader, instead of being shown.
    package var misleadsTerminal: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        case 0x20..<0x7F: false
        default: properties.isBidiControl
        }
    }
}
