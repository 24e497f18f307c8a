import Testing

@testable import RefundWebhooks

struct ReceiverURLTests {
    @Test(arguments: [
        ("https://example.com", "https://example.com:443"),
        ("https://example.com/", "https://example.com:443"),
        ("HTTPS://Example.COM./hook?a=b#c", "https://example.com:443"),
        ("http://example.com?x=http://other@host", "http://example.com:80"),
        ("http://127.0.0.1#@evil.example", "http://127.0.0.1:80"),
        ("https://example.com:8443/a:b@c", "https://example.com:8443"),
        ("https://10.1.2.3:65535", "https://10.1.2.3:65535"),
        ("http://[::1]/", "http://[::1]:80"),
        ("http://[FD00:0:0::A]:8080/", "http://[fd00::a]:8080"),
        ("http://[::ffff:10.0.0.1]/", "http://[::ffff:10.0.0.1]:80"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example:443"),
        ("https://under_score.internal/", "https://under_score.internal:443"),
        ("https://3com.1password.com/", "https://3com.1password.com:443"),
    ])
    func endpointIsOneSpellingOfSchemeHostAndPort(_ url: String, _ endpoint: String) throws {
        #expect(try ReceiverURL(url).endpoint == endpoint)
        #expect(WebhookSender.endpoint(of: url) == endpoint)
    }

    @Test(arguments: [
        ("", ReceiverURLError.empty),
        ("example.com", .badScheme),
        ("//example.com", .badScheme),
        ("ftp://example.com", .badScheme),
        ("file:///etc/passwd", .badScheme),
        ("gopher://127.0.0.1:6379/_x", .badScheme),
        ("https:/example.com", .badScheme),
        ("https:example.com", .badScheme),
        ("httpsx://example.com", .badScheme),
        ("https://", .noHost),
        ("https:///path", .noHost),
        ("https://:8080", .noHost),
        ("https://?x", .noHost),
        ("https://user@example.com", .credentials),
        ("https://user:password@example.com", .credentials),
        ("http://allowed@evil.example", .credentials),
        ("http://127.0.0.1:80@evil.example", .credentials),
        ("https://@example.com", .credentials),
        ("http://evil.example\\@allowed.example", .badCharacter),
        ("http://allowed.example\\.evil.example", .badCharacter),
        ("http://exa mple.com", .badCharacter),
        ("http://example.com/a b", .badCharacter),
        (" http://example.com", .badCharacter),
        ("http://example.com\t", .badCharacter),
        ("ht\ttp://example.com", .badCharacter),
        ("http://example.com/\r\nHost: evil", .badCharacter),
        ("http://127.0.0.1\0.example.com", .badCharacter),
        ("http://example.com\u{7F}", .badCharacter),
        ("http://１２７.0.0.1", .badCharacter),
        ("http://127。0。0。1", .badCharacter),
        ("http://bücher.example", .badCharacter),
        ("http://example.com/caf\u{E9}", .badCharacter),
        ("http://127.0.0.1%00.example.com", .badHost),
        ("http://%31%32%37.0.0.1", .badHost),
        ("http://0x7f.1", .badHost),
        ("http://0x7f000001", .badHost),
        ("http://0X7F.0.0.0x1", .badHost),
        ("http://2130706433", .badHost),
        ("http://127.1", .badHost),
        ("http://0177.0.0.1", .badHost),
        ("http://017700000001", .badHost),
        ("http://127.0.0.1.", .badHost),
        ("http://1.2.3.4.5", .badHost),
        ("http://256.0.0.1", .badHost),
        ("http://1.2.3.0x", .badHost),
        ("http://.", .badHost),
        ("http://.example.com", .badHost),
        ("http://a..example.com", .badHost),
        ("http://example.com..", .badHost),
        ("http://example.com,evil.example", .badHost),
        ("http://{a,b}.example", .badHost),
        ("http://[::1", .badHost),
        ("http://::1]", .badHost),
        ("http://[]", .badHost),
        ("http://[127.0.0.1]", .badHost),
        ("http://[example.com]", .badHost),
        ("http://[fe80::1%25eth0]", .badHost),
        ("http://[v1.x]", .badHost),
        ("http://[::1]x", .badHost),
        ("http://::1/", .badHost),
        ("http://example.com:", .badPort),
        ("http://example.com:0", .badPort),
        ("http://example.com:65536", .badPort),
        ("http://example.com:000080", .badPort),
        ("http://example.com:+80", .badPort),
        ("http://example.com:80x", .badPort),
        ("http://example.com:80:90", .badHost),
        ("http://[::1]:", .badPort),
        ("http://[::1]:x", .badPort),
    ])
    func anythingThatTwoReadersCouldReadDifferentlyIsRefused(_ url: String, _ expected: ReceiverURLError) {
        #expect(throws: expected) { try ReceiverURL(url) }
    }

    @Test func lengthsAreBounded() throws {
        let longest = "https://example.com/" + String(repeating: "a", count: ReceiverURL.maximumLength - 20)
        _ = try ReceiverURL(longest)
        #expect(throws: ReceiverURLError.tooLong) { try ReceiverURL(longest + "a") }
        let label = String(repeating: "a", count: 63)
        _ = try ReceiverURL("https://\(label).\(label).\(label).example")
        #expect(throws: ReceiverURLError.badHost) { try ReceiverURL("https://a\(label).example") }
        #expect(throws: ReceiverURLError.badHost) { try ReceiverURL("https://\(label).\(label).\(label).\(label)") }
    }

    @Test(arguments: [
        ("no url", "no url"),
        ("https://user:secret@host.example:1/secret", "https://host.example:1"),
        ("https://user:sec/ret@host.example?secret", "https://host.example"),
        ("https://1.2.3.4.5/secret", "https://1.2.3.4.5"),
        ("https:///secret", "https://"),
        ("", ""),
    ])
    func endpointOfWhatIsNoURLHasNoSecret(_ url: String, _ endpoint: String) {
        #expect(WebhookSender.endpoint(of: url) == endpoint)
    }

    @Test func endpointIsBounded() {
        #expect(WebhookSender.endpoint(of: String(repeating: "é", count: 10_000)).utf8.count <= 256)
    }
}
