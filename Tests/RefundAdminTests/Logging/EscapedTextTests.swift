import RefundAdmin
import Testing

struct EscapedTextTests {
    @Test(arguments: [
        ("", ""),
        ("R-1001|a*b@c_d", "R-1001|a*b@c_d"),
        ("返金 é 👍🏽", "返金 é 👍🏽"),
        ("e\u{301}", "e\u{301}"),
        ("a\\n", "a\\n"),
        ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
        ("\u{0}", "\\u{0}"),
        ("\u{1b}[2J\u{1b}]0;title\u{7}", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
        ("\u{7f}", "\\u{7f}"),
        ("\u{9b}31m", "\\u{9b}31m"),
        ("\u{85}", "\\u{85}"),
        ("abc\u{202e}fed", "abc\\u{202e}fed"),
        ("\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}", "\\u{2066}\\u{2069}\\u{200e}\\u{200f}\\u{61c}"),
        ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ("\u{a0}", "\u{a0}"),
    ])
    func whatATerminalActsOnIsEscaped(text: String, shown: String) {
        #expect(escapedForTerminal(text) == shown)
    }

    @Test func noControlCharacterIsLeft() {
        for value: UInt32 in 0..<0x3000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isControl = scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
            #expect(
                (escapedForTerminal("x\(scalar)") != "x\(scalar)") == (isControl || (0x2028...0x2029).contains(value))
            )
        }
    }
}
