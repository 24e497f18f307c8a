import RefundAdmin
import RefundCore

/// Prints a line to standard output, with everything escaped that a terminal would act on.
func printLine(_ line: String) {
    print(escapedForTerminal(line))
}

/// Prints one JSON document to standard output, with everything escaped that a terminal would act on.
func printJSON(_ content: (inout JSONText) -> Void) {
    var json = JSONText()
    json.object(nil, content)
    print(json.textForTerminal)
}
