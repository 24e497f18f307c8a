import Testing

@testable import RefundCore

struct HTTPURLTests {
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
        ("https://example.com:00443/", "https://example.com:443"),
        ("https://example.com/a|b{c}<d>\"^`", "https://example.com:443"),
    ])
    func endpointIsOneSpellingOfSchemeHostAndPort(_ url: String, _ endpoint: String) throws {
        #expect(try HTTPURL(url).endpoint == endpoint)
        #expect(HTTPURL.endpoint(of: url) == endpoint)
    }

    @Test(arguments: [
        ("", HTTPURLError.empty),
        ("example.com", .unsupportedScheme),
        ("//example.com", .unsupportedScheme),
        ("ftp://example.com", .unsupportedScheme),
        ("file:///etc/passwd", .unsupportedScheme),
        ("gopher://127.0.0.1:6379/_x", .unsupportedScheme),
        ("https:/example.com", .unsupportedScheme),
        ("https:example.com", .unsupportedScheme),
        ("httpsx://example.com", .unsupportedScheme),
        ("https://", .missingHost),
        ("https:///path", .missingHost),
        ("https://:8080", .missingHost),
        ("https://?x", .missingHost),
        ("https://user@example.com", .userInfo),
        ("https://user:password@example.com", .userInfo),
        ("http://allowed@evil.example", .userInfo),
        ("http://127.0.0.1:80@evil.example", .userInfo),
        ("https://@example.com", .userInfo),
        ("http://evil.example\\@allowed.example", .invalidCharacter),
        ("http://allowed.example\\.evil.example", .invalidCharacter),
        ("http://exa mple.com", .invalidCharacter),
        ("http://example.com/a b", .invalidCharacter),
        (" http://example.com", .invalidCharacter),
        ("http://example.com\t", .invalidCharacter),
        ("ht\ttp://example.com", .invalidCharacter),
        ("http://example.com/\r\nHost: evil", .invalidCharacter),
        ("http://127.0.0.1\0.example.com", .invalidCharacter),
        ("http://example.com\u{7F}", .invalidCharacter),
        ("http://１２７.0.0.1", .invalidCharacter),
        ("http://127。0。0。1", .invalidCharacter),
        ("http://bücher.example", .invalidCharacter),
        ("http://example.com/caf\u{E9}", .invalidCharacter),
        ("http://127.0.0.1%00.example.com", .invalidHost),
        ("http://%31%32%37.0.0.1", .invalidHost),
        ("http://0x7f.1", .invalidHost),
        ("http://0x7f000001", .invalidHost),
        ("http://0X7F.0.0.0x1", .invalidHost),
        ("http://2130706433", .invalidHost),
        ("http://127.1", .invalidHost),
        ("http://0177.0.0.1", .invalidHost),
        ("http://017700000001", .invalidHost),
        ("http://127.0.0.1.", .invalidHost),
        ("http://1.2.3.4.5", .invalidHost),
        ("http://256.0.0.1", .invalidHost),
        ("http://1.2.3.0x", .invalidHost),
        ("http://.", .invalidHost),
        ("http://.example.com", .invalidHost),
        ("http://a..example.com", .invalidHost),
        ("http://-a.example.com", .invalidHost),
        ("http://a-.example.com", .invalidHost),
        ("http://example.com..", .invalidHost),
        ("http://example.com,evil.example", .invalidHost),
        ("http://{a,b}.example", .invalidHost),
        ("http://[::1", .invalidHost),
        ("http://::1]", .invalidHost),
        ("http://[]", .invalidHost),
        ("http://[127.0.0.1]", .invalidHost),
        ("http://[example.com]", .invalidHost),
        ("http://[fe80::1%25eth0]", .invalidHost),
        ("http://[v1.x]", .invalidHost),
        ("http://[::1]x", .invalidHost),
        ("http://::1/", .invalidHost),
        ("http://example.com:", .invalidPort),
        ("http://example.com:0", .invalidPort),
        ("http://example.com:65536", .invalidPort),
        ("http://example.com:000080", .invalidPort),
        ("http://example.com:+80", .invalidPort),
        ("http://example.com:80x", .invalidPort),
        ("http://example.com:80:90", .invalidHost),
        ("http://[::1]:", .invalidPort),
        ("http://[::1]:x", .invalidPort),
    ])
    func ambiguousURLIsRejected(_ url: String, _ expected: HTTPURLError) {
        #expect(throws: expected) { try HTTPURL(url) }
    }

    @Test func lengthIsBounded() throws {
        let longest = "https://example.com/" + String(repeating: "a", count: HTTPURL.maxLength - 20)
        _ = try HTTPURL(longest)
        #expect(throws: HTTPURLError.tooLong) { try HTTPURL(longest + "a") }
        let label = String(repeating: "a", count: 63)
        _ = try HTTPURL("https://\(label).\(label).\(label).example")
        #expect(throws: HTTPURLError.invalidHost) { try HTTPURL("https://a\(label).example") }
        #expect(throws: HTTPURLError.invalidHost) { try HTTPURL("https://\(label).\(label).\(label).\(label)") }
    }

    @Test(arguments: [
        "", "no url", "TOKEN", "https://host:99999/cb?email=ops@TOKEN", "https://user:TOKEN@host.example:1/TOKEN",
        "https://user:TO/KEN@host.example?TOKEN", "https://TOKEN@", "https://host:TOKEN", "https://1.2.3.4.5/TOKEN",
        "https:///TOKEN", "https:/user:TOKEN@host/", "user:TOKEN@host", "https://host\\TOKEN", "https://ho st/TOKEN",
        "https://host/TOKEN\u{E9}", "https://host/\(String(repeating: "TOKEN", count: 500))", "mailto:TOKEN@host",
        "https://host#@TOKEN:x@/", "https://[::1/TOKEN",
    ])
    func endpointOfAnInvalidURLRevealsNothing(_ text: String) {
        let isValid = text.hasPrefix("https://host#")
        #expect(HTTPURL.endpoint(of: text) == (isValid ? "https://host:443" : "invalid URL"))
    }

    @Test func pathQueryAndFragmentAreKept() throws {
        for target in ["", "/", "/a?b=c#d", "?x=http://host", "#@host"] {
            let url = try HTTPURL("HTTPS://Host.example:443\(target)")
            #expect(url.target == target)
            #expect(url.origin == "https://host.example")
        }
        #expect(try HTTPURL("http://[::1]:8080/x").origin == "http://[::1]:8080")
    }

    @Test(arguments: ["127.0.0.1:9464", "[::1]:0", "localhost:65535"])
    func listenAddressIsReadWithItsPort(_ text: String) throws {
        let address = try #require(ListenAddress(text))
        #expect("\(address)" == text)
        #expect(!address.host.contains("["))
    }

    @Test(arguments: [
        "", "127.0.0.1", ":9464", "127.0.0.1:", "127.0.0.1:65536", "::1:9464", "[127.0.0.1]:1", "127.1:1",
    ])
    func listenAddressWithoutHostOrPortIsRejected(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }
}
