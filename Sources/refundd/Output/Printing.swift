import RefundAdmin
import RefundCore

/// A text from the database as a terminal may show it: nothing in it can move the cursor or start a new line.
func escapedLine(_ text: String) -> String {
    escapedForTerminal(text)
}

/// Prints a line to standard output; whatever it quotes from the database is made harmless.
func printLine(_ line: String) {
    print(escapedLine(line))
}

/// Prints one JSON document to standard output.
func printJSON(_ content: (inout JSONText) -> Void) {
    var json = JSONText()
    json.object(nil, content)
    print(json.text)
}
