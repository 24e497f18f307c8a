import RefundConfiguration
import Testing

struct AddressTests {
    @Test(arguments: [
        ("https://open.n-age.co.jp", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/api/entry", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/api/entry/", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/api/entry///", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/api/entry/refundquery", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("https://open.n-age.co.jp/api/entry/refundquery/", "https://open.n-age.co.jp/api/entry/refundquery"),
        ("HTTPS://Open.N-AGE.co.jp:8443", "https://open.n-age.co.jp:8443/api/entry/refundquery"),
        ("https://proxy.example/paycloud", "https://proxy.example/paycloud/api/entry/refundquery"),
        ("https://proxy.example/paycloud/api/entry", "https://proxy.example/paycloud/api/entry/refundquery"),
        ("https://203.0.113.7", "https://203.0.113.7/api/entry/refundquery"),
        ("https://[2001:DB8::7]:444/", "https://[2001:db8::7]:444/api/entry/refundquery"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/entry/refundquery"),
        ("http://127.9.9.9", "http://127.9.9.9/api/entry/refundquery"),
        ("http://localhost:1", "http://localhost:1/api/entry/refundquery"),
        ("http://[::1]:65535", "http://[::1]:65535/api/entry/refundquery"),
    ])
    func gatewayAddressesAreCompleted(address: String, expected: String) throws {
        let configuration = try Sample.load(Sample.text(gateway: ["url": "\"\(address)\""]))
        #expect(configuration.gateways["default"]?.url == expected)
    }

    @Test(
        arguments: [
            ("", #" = "" is empty; write an address that begins with https://"#),
            ("open.n-age.co.jp", #" = "open.n-age.co.jp" is no full address; begin it with https://"#),
            ("ftp://host", #" = "ftp://host" has another scheme than http and https; begin it with https://"#),
            (
                "http://open.n-age.co.jp",
                #" = "http://open.n-age.co.jp" is http:// to another machine; "#
                    + "use https://; http:// is only for 127.0.0.0/8, localhost and [::1]"
            ),
            (
                "http://128.0.0.1",
                #" = "http://128.0.0.1" is http:// to another machine; "#
                    + "use https://; http:// is only for 127.0.0.0/8, localhost and [::1]"
            ),
            (
                "http://localhost.example",
                #" = "http://localhost.example" is http:// to another machine; "#
                    + "use https://; http:// is only for 127.0.0.0/8, localhost and [::1]"
            ),
            (
                "https://user:secret@host/",
                " has credentials in front of the host; leave out everything up to the @"
            ),
            ("https://host/?key=secret", #" = "https://host/?…" has a query; leave out the ? and what follows"#),
            ("https://host/#top", ##" = "https://host/#top" has a fragment; leave out the # and what follows"##),
            (
                "https://host/api/entry/orderquery",
                #" = "https://host/api/entry/orderquery" has the path of another call; "#
                    + "leave out /api/entry and what follows"
            ),
            ("https://", #" = "https://" has no host; write the host's name or address"#),
            ("https://:443", #" = "https://:443" has no host; write the host's name or address"#),
            (
                "https://host:99999",
                #" = "https://host:99999" has no valid port after the ":"; write a port from 1 to 65535"#
            ),
            (
                "https://host:0",
                #" = "https://host:0" has no valid port after the ":"; write a port from 1 to 65535"#
            ),
            (
                "https://2001:db8::7/",
                #" = "https://2001:db8::7/" has more than one ":"; write an IPv6 address in brackets, as in [::1]:9464"#
            ),
            (
                "https://[127.0.0.1]",
                #" = "https://[127.0.0.1]" has an address in the wrong notation; "#
                    + "write [ ] around an IPv6 address, and only there"
            ),
            (
                "https://[::1",
                #" = "https://[::1" has a [ without a ]; write an IPv6 address as [::1]"#
            ),
            (
                "https://[::1]x",
                #" = "https://[::1]x" has more after the ]; write only a port there, as in [::1]:9464"#
            ),
            (
                "https://a b/",
                #" = "https://a b/" has a blank or another character that no address may have; write it percent-encoded"#
            ),
        ] as [(String, String)]
    )
    func wrongGatewayAddressesAreRefused(address: String, message: String) throws {
        let problems = try Sample.problems(Sample.text(gateway: ["url": "\"\(address)\""]))
        #expect(problems == ["FILE: gateway.url" + message])
    }

    // Resolvers read each of these as 127.0.0.1 or another address, so none may pass for a foreign host's name.
    @Test(arguments: [
        "127.1", "0x7f000001", "2130706433", "1.2.3.4.5", "256.1.1.1", "a..b", "-a.example", "bücher.example",
    ])
    func hostsThatAreNoNamesAreRefused(host: String) throws {
        let problems = try Sample.problems(Sample.text(gateway: ["url": "\"https://\(host)/\""]))
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("FILE: gateway.url = \"https://\(host)/\" has a") == true)
    }

    @Test func tooLongAddressesAreShownShortened() throws {
        let address = "https://host/" + String(repeating: "a", count: 3_000)
        let problems = try Sample.problems(Sample.text(gateway: ["url": "\"\(address)\""]))
        #expect(
            problems == [
                "FILE: gateway.url = \"\(address.prefix(80))…\" is too long; write an address of at most 2048 characters"
            ]
        )
    }

    @Test(arguments: [
        "https://shop.example", "https://shop.example/hooks?token=a%20b", "http://127.0.0.1:8080/hook",
        "http://hooks.internal/",
    ])
    func webhookAddressesAreKept(address: String) throws {
        let text = Sample.text(adding: "[webhook]\nsecret_files = [\"secret\"]\nurl = \"\(address)\"")
        #expect(try Sample.load(text).webhook.url == address)
    }

    @Test(arguments: [
        ("ftp://host/", #" = "ftp://host/" has another scheme than http and https; begin it with https://"#),
        ("https://me:pw@host/", " has credentials in front of the host; leave out everything up to the @"),
        ("https://host/?token=1#x", #" = "https://host/?…" has a fragment; leave out the # and what follows"#),
    ])
    func wrongWebhookAddressesAreRefused(address: String, message: String) throws {
        let text = Sample.text(adding: "[webhook]\nsecret_files = [\"secret\"]\nurl = \"\(address)\"")
        #expect(try Sample.problems(text) == ["FILE: webhook.url" + message])
    }

    @Test(arguments: [
        ("", "is empty; write a host, an address or a network"),
        ("http://hooks.internal", "has a scheme; write the host alone, with or without a port"),
        ("*.internal", #"has a wildcard; name each host, or a network such as "10.1.0.0/16""#),
        (
            "hooks.internal/path",
            #"has a "/" but no address before it; write a host alone, or a network such as "10.1.0.0/16""#
        ),
        ("10.0.0.0/33", #"has no valid prefix length after the "/"; write a number from 0 to 32"#),
        ("10.0.0.0/", #"has no valid prefix length after the "/"; write a number from 0 to 32"#),
        ("fd00::/129", #"has no valid prefix length after the "/"; write a number from 0 to 128"#),
        (
            "10.1.2.3/16",
            "has bits set beyond the prefix length; write the network's first address, or /32 for the one host"
        ),
        ("::ffff:10.1.2.3", "has an IPv4 address in the notation of IPv6; write the IPv4 address"),
        ("[::ffff:10.1.2.3]:80", "has an IPv4 address in the notation of IPv6; write the IPv4 address"),
        ("::ffff:10.1.0.0/112", "has an IPv4 address in the notation of IPv6; write the IPv4 address"),
        ("hooks.internal:http", #"has no valid port after the ":"; write a port from 1 to 65535"#),
    ])
    func wrongAllowedHostsAreRefused(host: String, message: String) throws {
        let text = Sample.text(adding: "[webhook]\nallow_hosts = [\"hooks.internal\", \"\(host)\"]")
        let expected = "FILE: webhook.allow_hosts has an entry, number 2 (\"\(host)\"), that \(message)"
        #expect(try Sample.problems(text) == [expected])
    }

    @Test(arguments: [
        ("127.0.0.1", #"has no port; write a host and a port, such as "127.0.0.1:9464""#),
        (":9464", "has no host; write the host's name or address"),
        ("127.0.0.1:65536", #"has no valid port after the ":"; write a port from 0 to 65535"#),
        ("::1:9464", #"has more than one ":"; write an IPv6 address in brackets, as in [::1]:9464"#),
    ])
    func wrongListenAddressesAreRefused(address: String, message: String) throws {
        let text = Sample.text(adding: "[admin]\nlisten = \"\(address)\"")
        #expect(try Sample.problems(text) == ["FILE: admin.listen = \"\(address)\" \(message)"])
    }
}
