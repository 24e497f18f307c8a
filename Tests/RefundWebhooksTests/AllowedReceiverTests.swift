import Testing

@testable import RefundWebhooks

struct AllowedReceiverTests {
    @Test(arguments: [
        ("", ReceiverPolicyError.notAnEntry("")),
        (" hooks.internal", .notAnEntry(" hooks.internal")),
        ("https://hooks.internal", .notAnEntry("https://hooks.internal")),
        ("hooks.internal/path", .notAnEntry("hooks.internal/path")),
        ("*.internal", .notAnEntry("*.internal")),
        ("user@hooks.internal", .notAnEntry("user@hooks.internal")),
        ("hööks.internal", .notAnEntry("hööks.internal")),
        ("127.1", .notAnEntry("127.1")),
        ("0x7f000001", .notAnEntry("0x7f000001")),
        ("010.0.0.1", .notAnEntry("010.0.0.1")),
        ("10.0.0.256", .notAnEntry("10.0.0.256")),
        ("fe80::1%eth0", .notAnEntry("fe80::1%eth0")),
        ("[10.0.0.1]", .notAnEntry("[10.0.0.1]")),
        ("[::1", .notAnEntry("[::1")),
        ("::1]", .notAnEntry("::1]")),
        (":8080", .notAnEntry(":8080")),
        ("hooks.internal:", .badPort("hooks.internal:")),
        ("hooks.internal:0", .badPort("hooks.internal:0")),
        ("hooks.internal:65536", .badPort("hooks.internal:65536")),
        ("10.0.0.1:http", .badPort("10.0.0.1:http")),
        ("[::1]:", .badPort("[::1]:")),
        ("10.0.0.0/", .badPrefixLength("10.0.0.0/")),
        ("10.0.0.0/33", .badPrefixLength("10.0.0.0/33")),
        ("10.0.0.0/-1", .badPrefixLength("10.0.0.0/-1")),
        ("10.0.0.0/8:8080", .badPrefixLength("10.0.0.0/8:8080")),
        ("fd00::/129", .badPrefixLength("fd00::/129")),
        ("10.0.0.0/99999999999999999999", .badPrefixLength("10.0.0.0/99999999999999999999")),
        ("10.0.0.0/8/8", .notAnEntry("10.0.0.0/8/8")),
        ("10/8", .notAnEntry("10/8")),
        ("/8", .notAnEntry("/8")),
        ("[fd00::]/8", .notAnEntry("[fd00::]/8")),
        ("10.1.2.3/16", .bitsBehindPrefix("10.1.2.3/16")),
        ("128.0.0.0/0", .bitsBehindPrefix("128.0.0.0/0")),
        ("fd00::1/64", .bitsBehindPrefix("fd00::1/64")),
        ("::ffff:10.0.0.1", .mapped("::ffff:10.0.0.1")),
        ("[::ffff:10.0.0.1]:80", .mapped("[::ffff:10.0.0.1]:80")),
        ("::ffff:10.0.0.0/104", .mapped("::ffff:10.0.0.0/104")),
    ])
    func entryThatCannotBeReadIsRefusedByItsText(_ text: String, _ expected: ReceiverPolicyError) {
        #expect(throws: expected) { try ReceiverPolicy(allowHosts: ["hooks.internal", text]) }
        #expect(expected.description.contains(text.debugDescription))
    }
}
