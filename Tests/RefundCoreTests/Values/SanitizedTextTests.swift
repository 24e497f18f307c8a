import RefundCore
import Testing

struct SanitizedTextTests {
    @Test(arguments: [
        ("", ""), ("plain", "plain"), ("残高不足 é\u{1F600}", "残高不足 é\u{1F600}"), ("a\u{0}b", "a b"),
        ("a\r\nb\tc", "a  b c"), ("\u{1B}[2J", " [2J"), ("a\u{7F}b\u{85}c", "a b c"), ("a\u{2028}b\u{2029}", "a b "),
    ])
    func controlCharactersBecomeBlanks(text: String, expected: String) {
        #expect(text.sanitized(maxLength: 100) == expected)
        #expect(expected.sanitized(maxLength: 100) == expected, "once is enough")
    }

    @Test func longTextIsCutAtItsScalars() {
        #expect("12345".sanitized(maxLength: 5) == "12345")
        #expect("123456".sanitized(maxLength: 5) == "12345…")
        let accents = "e" + String(repeating: "\u{301}", count: 1_000)
        #expect(accents.sanitized(maxLength: 5).unicodeScalars.count == 6)
        #expect("é残é残é".sanitized(maxLength: 5) == "é残é残é")
    }
}
