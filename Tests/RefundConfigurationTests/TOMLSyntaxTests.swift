import Testing

struct TOMLSyntaxTests {
    private static let noValue = "has no value here; write one; text stands in double quotes"
    private static let noKey = "has no key here; write one of letters, digits, _ and -, or remove what is here"
    private static let noWord =
        "has a value that is no number; write true, false or a number, or put text in double quotes"
    private static let openQuotes =
        "has quotes that are not closed; close them, on the same line unless there are three"
    private static let openArray =
        "has an array without its ]; separate entries with commas and end the array with ]"
    private static let openBraces = "has a { without its }; separate entries with commas and end the table with }"
    private static let taken = "has a key that is there already; remove one of them"
    private static let more = "has more on the line; begin a new line here, or put text in double quotes"
    private static let takenSection = "begins a section that is there already; put all its keys in one place"
    private static let tables =
        "begins an array of tables; write a section as [log], a gateway's as [gateways.NAME]"
    private static let control = #"has a control character in quotes; write it as an escape such as \u0007"#
    private static let escape = #"has a \ that begins no escape; write \\, or put the text in single quotes"#
    private static let scalar =
        #"has an escape of no character; write \u and four, or \U and eight, hexadecimal digits"#

    @Test(
        arguments: [
            ("[gateway]\nurl = \n", "2:7", noValue),
            ("[gateway]\nurl = https://host\n", "2:7", noWord),
            ("[gateway]\r\nurl = $HOME\r\n", "2:7", noValue),
            ("[gateway]\nurl = \"https://host\n", "2:7", openQuotes),
            ("url = '''\n\n\n", "1:7", openQuotes),
            ("url = \"", "1:7", openQuotes),
            ("url\n", "1:4", "has no = after the key; write key = value"),
            ("url: 1\n", "1:4", "has no = after the key; write key = value"),
            ("= 1\n", "1:1", noKey),
            ("ü = 1\n", "1:1", noKey),
            ("a = 1\n  ü = 1\n", "2:3", noKey),
            ("# ü\n'ü' = ü\n", "2:7", noValue),
            ("a. = 1\n", "1:4", noKey),
            ("\"\"\"a\"\"\" = 1\n", "1:3", "has no = after the key; write key = value"),
            ("a = 1 b = 2\n", "1:7", more),
            ("a = \"b\" c\n", "1:9", more),
            ("a = \"\"\"b\"\"\"\"\"\"\n", "1:14", more),
            ("a = '''''''''\n", "1:13", more),
            ("[a] b = 1\n", "1:5", more),
            ("a = 1\rb = 2", "1:6", more),
            ("[gateway\nurl = 1\n", "1:9", "has no ] after the section's name; write the section as [name]"),
            ("[=]\n", "1:2", noKey),
            ("[]\n", "1:2", noKey),
            ("[.a]\n", "1:2", noKey),
            ("[\n", "1:2", noKey),
            ("[ [a] ]\n", "1:3", noKey),
            ("[[a]]\n", "1:2", tables),
            ("[[[a]]]\n", "1:2", tables),
            ("a = 1\na = 2\n", "2:1", taken),
            ("a = 1\na.b = 2\n", "2:1", taken),
            ("a.b = 1\na = 2\n", "2:1", taken),
            ("a = {b = 1}\na.c = 2\n", "2:1", taken),
            ("a = {b = 1, b = 2}\n", "1:13", taken),
            ("[a]\nb = 1\n[c]\n[a]\n", "4:1", takenSection),
            ("[a]\nb = 1\n[a.b]\n", "3:1", takenSection),
            ("[a]\nb.c = 1\n[a.b]\n", "3:1", takenSection),
            ("[a.b]\n[a]\nb.c = 1\n", "3:1", taken),
            ("a = [1, }\n", "1:9", noValue),
            ("a = [1 2]\n", "1:8", openArray),
            ("a = [1,\n", "2:1", noValue),
            ("a = [\"b\"\n[c]\n", "2:1", openArray),
            ("a = {b = 1\n}\n", "1:11", openBraces),
            ("a = {b = 1,}\n", "1:12", noKey),
            ("a = 1__0\n", "1:5", noWord), ("a = _1\n", "1:5", noWord), ("a = 1_\n", "1:5", noWord),
            ("a = 01\n", "1:5", noWord), ("a = 1.\n", "1:5", noWord), ("a = .5\n", "1:5", noWord),
            ("a = 1.5.2\n", "1:5", noWord), ("a = 1e\n", "1:5", noWord), ("a = 1e2.5\n", "1:5", noWord),
            ("a = +-1\n", "1:5", noWord), ("a = -0x1\n", "1:5", noWord), ("a = 0b2\n", "1:5", noWord),
            ("a = 0x\n", "1:5", noWord), ("a = tru\n", "1:5", noWord), ("a = True\n", "1:5", noWord),
            ("a = Infinity\n", "1:5", noWord), ("a = 1-2-3\n", "1:5", noWord),
            ("a = 9223372036854775808\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = -9223372036854775809\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = 0xFFFFFFFFFFFFFFFFFF\n", "1:5", "has a number that is too large; write a smaller one"),
            ("a = \"\\q\"\n", "1:6", escape), ("a = \"\\\nb\"\n", "1:6", escape), ("a = \"\\", "1:6", escape),
            ("a = \"\\u12\"\n", "1:6", scalar), ("a = \"\\ud800\"\n", "1:6", scalar),
            ("a = \"\\u+123\"\n", "1:6", scalar),
            ("a = \"\\U00110000\"\n", "1:6", scalar), ("a = \"\\u", "1:6", scalar),
            ("a = \"\u{7}\"\n", "1:6", control), ("a = '\u{7f}'\n", "1:6", control), ("a = '''\r'''", "1:8", control),
            ("#\u{1}\n", "1:2", "has a control character in a comment; remove it"),
            ("# a\rb\n", "1:4", "has a control character in a comment; remove it"),
        ] as [(String, String, String)]
    )
    func syntaxErrorsNameLineAndColumn(text: String, place: String, message: String) throws {
        #expect(try Sample.problems(text) == ["FILE:\(place): \(message)"])
    }
}
