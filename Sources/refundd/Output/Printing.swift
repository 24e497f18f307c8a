import RefundAdmin
import RefundCore

/// Prints a line to standard output; whatever it quotes from the database is made harmless.
func printLine(_ line: String) {
    print(escapedForTerminal(line))
}

/// Prints one JSON document to standard output, with everything spelt out that a terminal would obey.
func printJSON(_ content: (inout JSONText) -> Void) {
    var json = JSONText()
    json.object(nil, content)
    var text = String.UnicodeScalarView()
    for scalar in json.text.unicodeScalars {
        // Outside strings there is no such character, and inside them JSON reads the escape as the character.
        guard scalar.misleadsTerminal else {
            text.append(scalar)
            continue
        }
        for unit in String(scalar).utf16 {
            let digits = String(0x10000 + UInt32(unit), radix: 16).dropFirst()
            text.append(contentsOf: "\\u\(digits)".unicodeScalars)
        }
    }
    print(String(text))
}
