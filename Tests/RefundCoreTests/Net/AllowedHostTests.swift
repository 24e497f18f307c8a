import Testing

@testable import RefundCore

struct AllowedHostTests {
    @Test(arguments: [
        ("", AllowedHostError.malformed),
        (" hooks.internal", .malformed),
        ("https://hooks.internal", .malformed),
        ("hooks.internal/path", .malformed),
        ("*.internal", .malformed),
        ("user@hooks.internal", .malformed),
        ("hööks.internal", .malformed),
        ("127.1", .malformed),
        ("0x7f000001", .malformed),
        ("010.0.0.1", .malformed),
        ("10.0.0.256", .malformed),
        ("fe80::1%eth0", .malformed),
        ("[10.0.0.1]", .malformed),
        ("[::1", .malformed),
        ("::1]", .malformed),
        (":8080", .malformed),
        ("hooks.internal:", .invalidPort),
        ("hooks.internal:0", .invalidPort),
        ("hooks.internal:65536", .invalidPort),
        ("10.0.0.1:http", .invalidPort),
        ("[::1]:", .invalidPort),
        ("10.0.0.0/", .invalidPrefixLength(max: 32)),
        ("10.0.0.0/33", .invalidPrefixLength(max: 32)),
        ("10.0.0.0/-1", .invalidPrefixLength(max: 32)),
        ("10.0.0.0/8:8080", .invalidPrefixLength(max: 32)),
        ("fd00::/129", .invalidPrefixLength(max: 128)),
        ("10.0.0.0/99999999999999999999", .invalidPrefixLength(max: 32)),
        ("10.0.0.0/8/8", .invalidPrefixLength(max: 32)),
        ("10/8", .malformed),
        ("/8", .malformed),
        ("[fd00::]/8", .malformed),
        ("10.1.2.3/16", .hostBitsSet),
        ("128.0.0.0/0", .hostBitsSet),
        ("fd00::1/64", .hostBitsSet),
        ("::ffff:10.0.0.1", .mapped),
        ("[::ffff:10.0.0.1]:80", .mapped),
        ("::ffff:10.0.0.0/104", .mapped),
    ])
    func malformedEntryIsRejected(_ text: String, _ expected: AllowedHostError) {
        #expect(throws: expected) { try AllowedHost(text) }
    }

    @Test(arguments: [
        ("Hooks.Internal.", "hooks.internal"), ("hooks.internal:8080", "hooks.internal:8080"), ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3:80", "10.1.2.3:80"), ("10.1.2.3/32", "10.1.2.3"), ("10.1.0.0/16", "10.1.0.0/16"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00::1", "fd00::1"), ("[fd00::1]", "fd00::1"), ("[fd00::1]:443", "[fd00::1]:443"), ("fd00::/8", "fd00::/8"),
        ("::/0", "::/0"),
    ])
    func entryIsPrintedInItsCanonicalForm(_ text: String, _ canonical: String) throws {
        let entry = try AllowedHost(text)
        #expect("\(entry)" == canonical)
        #expect(try AllowedHost(canonical) == entry)
    }
}
