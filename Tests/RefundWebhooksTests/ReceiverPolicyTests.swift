import Testing

@testable import RefundCore
@testable import RefundWebhooks

/// What an entry of `allow_hosts` allows: a URL, an address its host resolves to, and the entry.
struct ReceiverPolicyTests {
    @Test(arguments: [
        // An address, with and without a port, whatever name led to it.
        Case("https://10.1.2.3/", "10.1.2.3", "10.1.2.3", opens: true),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3", opens: true),
        Case("https://hooks.example/", "10.1.2.4", "10.1.2.3", opens: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3:443", opens: true),
        Case("https://hooks.example:8443/", "10.1.2.3", "10.1.2.3:443", opens: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3:8443", opens: false),
        Case("https://[::1]/", "::1", "::1", opens: true),
        Case("https://[::1]/", "::1", "[::1]", opens: true),
        Case("https://[::1]:8443/", "::1", "[::1]:8443", opens: true),
        Case("https://[::1]:8444/", "::1", "[::1]:8443", opens: false),
        Case("https://[fd00::1]/", "fd00::1", "FD00:0:0::1", opens: true),
        Case("https://[fd00::1]/", "fd00::1", "fd00::2", opens: false),
        Case("https://localhost/", "::1", "127.0.0.1", opens: false),
        // Blocks and their borders.
        Case("https://hooks.example/", "10.1.0.0", "10.1.0.0/16", opens: true),
        Case("https://hooks.example/", "10.1.255.255", "10.1.0.0/16", opens: true),
        Case("https://hooks.example/", "10.0.255.255", "10.1.0.0/16", opens: false),
        Case("https://hooks.example/", "10.2.0.0", "10.1.0.0/16", opens: false),
        Case("https://hooks.example/", "10.1.2.127", "10.1.2.0/25", opens: true),
        Case("https://hooks.example/", "10.1.2.128", "10.1.2.0/25", opens: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3/32", opens: true),
        Case("https://hooks.example/", "10.1.2.2", "10.1.2.3/32", opens: false),
        Case("https://hooks.example/", "192.168.1.1", "0.0.0.0/0", opens: true),
        Case("https://hooks.example/", "fd00::1", "0.0.0.0/0", opens: false),
        Case("https://hooks.example/", "fd12:ffff::1", "fd12::/16", opens: true),
        Case("https://hooks.example/", "fd13::", "fd12::/16", opens: false),
        Case("https://hooks.example/", "fd00::1", "fd00::1/128", opens: true),
        Case("https://hooks.example/", "fd00::ffff:ffff:ffff:ffff", "fd00::/65", opens: false),
        Case("https://hooks.example/", "fd00::7fff:ffff:ffff:ffff", "fd00::/65", opens: true),
        Case("https://hooks.example/", "10.0.0.1", "::/0", opens: false),
        // A name stands for the URL's host and not for an address that another name leads to.
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal", opens: true),
        Case("https://HOOKS.internal./", "10.1.2.3", "Hooks.Internal", opens: true),
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal.", opens: true),
        Case("https://hooks.internal:8443/", "10.1.2.3", "hooks.internal", opens: true),
        Case("https://hooks.internal:8443/", "10.1.2.3", "hooks.internal:8443", opens: true),
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal:8443", opens: false),
        Case("https://a.hooks.internal/", "10.1.2.3", "hooks.internal", opens: false),
        Case("https://internal/", "10.1.2.3", "hooks.internal", opens: false),
        Case("https://evil.example/", "10.1.2.3", "hooks.internal", opens: false),
        Case("https://10.1.2.3/", "10.1.2.3", "hooks.internal", opens: false),
        Case("https://localhost/", "127.0.0.1", "localhost", opens: true),
        Case("https://localhost/", "::1", "localhost", opens: true),
        // Nothing opens these.
        Case("https://hooks.internal/", "169.254.169.254", "hooks.internal", opens: false),
        Case("https://169.254.169.254/", "169.254.169.254", "169.254.169.254", opens: false),
        Case("https://169.254.169.254/", "169.254.169.254", "169.254.0.0/16", opens: false),
        Case("https://hooks.internal/", "fe80::1", "fe80::/10", opens: false),
        Case("https://hooks.internal/", "100.100.100.200", "100.64.0.0/10", opens: false),
        Case("https://hooks.internal/", "fd00:ec2::254", "fc00::/7", opens: false),
        Case("https://hooks.internal/", "0.0.0.0", "0.0.0.0", opens: false),
        // Embedded addresses need both of their sides named, except mapped ones, which are IPv4 addresses.
        Case("https://hooks.example/", "::ffff:10.1.2.3", "10.1.2.3", opens: true),
        Case("https://[::ffff:10.1.2.3]/", "::ffff:10.1.2.3", "10.1.0.0/16", opens: true),
        Case("https://hooks.example/", "::ffff:10.1.2.3", "::/0", opens: false),
        Case("https://hooks.example/", "64:ff9b::8.8.8.8", "64:ff9b::/96", opens: true),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "64:ff9b::/96", opens: false),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "10.1.2.3", opens: false),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "hooks.example", opens: true),
        Case("https://hooks.example/", "64:ff9b:1::10.1.2.3", "64:ff9b:1::/48", opens: false),
        Case("https://hooks.example/", "64:ff9b:1::8.8.8.8", "64:ff9b:1::/48", opens: true),
        // Plain http needs a name even for the internet.
        Case("http://hooks.example/", "8.8.8.8", "hooks.example", opens: true),
        Case("http://hooks.example/", "8.8.8.8", "hooks.example:80", opens: true),
        Case("http://hooks.example/", "8.8.8.8", "hooks.example:8080", opens: false),
        Case("http://hooks.example/", "8.8.8.8", "8.8.8.8", opens: true),
        Case("http://hooks.example/", "8.8.8.8", "8.8.8.0/24", opens: true),
        Case("http://hooks.example/", "8.8.4.4", "8.8.8.0/24", opens: false),
        Case("http://8.8.8.8/", "8.8.8.8", "8.8.8.8:80", opens: true),
        Case("http://hooks.example/", "64:ff9b::8.8.8.8", "64:ff9b::/96", opens: false),
        Case("http://127.0.0.1:8080/", "127.0.0.1", "127.0.0.1:8080", opens: true),
        Case("http://127.0.0.1:8081/", "127.0.0.1", "127.0.0.1:8080", opens: false),
    ])
    func entryOpensWhatItNames(_ row: Case) throws {
        let address = try #require(IPAddress(row.address))
        let url = try HTTPURL(row.url)
        func refusal(_ allowHosts: [String]) throws -> String? {
            let policy = try ReceiverPolicy(allowHosts)
            return policy.refusal(of: url) ?? policy.refusal(of: address, port: url.port, for: url)
        }
        #expect((try refusal([row.entry]) == nil) == row.opens)
        #expect(try refusal([]) != nil, "the row shows nothing: its address is allowed anyway")
        // Other entries neither help nor hinder.
        #expect((try refusal(["elsewhere.internal", row.entry, "172.16.0.0/12"]) == nil) == row.opens)
    }

    @Test(
        arguments: [
            ("https://hooks.example/", [], nil),
            ("https://8.8.8.8/", [], nil),
            ("https://hooks.internal/", ["10.0.0.0/8"], nil),
            ("http://hooks.internal/", ["10.0.0.0/8"], nil),
            ("http://hooks.internal/", ["10.0.0.1:80"], nil),
            ("http://hooks.internal/", ["10.0.0.1:81"], "plain http"),
            ("http://hooks.example/", [], "plain http"),
            ("http://hooks.example/", ["other.example"], "plain http"),
            ("http://8.8.8.8/", [], "plain http"),
            ("https://127.0.0.1/", [], "loopback"),
            ("https://[::ffff:7f00:1]/", [], "loopback"),
            ("https://169.254.169.254/", ["169.254.169.254"], "never allowed"),
            ("https://user:secret@hooks.example/", [], "user name or password"),
            ("http://2130706433/", ["127.0.0.1"], "neither a name"),
        ] as [(String, [String], String?)]
    )
    func whatCanNeverBeDeliveredIsKnownWithoutALookup(_ url: String, _ allowHosts: [String], _ part: String?) throws {
        let problem = try ReceiverPolicy(allowHosts).problem(with: url)
        if let part {
            #expect(problem?.contains(part) == true, "\(problem ?? "-")")
            #expect(problem?.contains("secret") != true)
        } else {
            #expect(problem == nil)
        }
    }
}

extension ReceiverPolicyTests {
    struct Case: Sendable {
        var url: String
        var address: String
        var entry: String
        var opens: Bool

        init(_ url: String, _ address: String, _ entry: String, opens: Bool) {
            self.url = url
            self.address = address
            self.entry = entry
            self.opens = opens
        }
    }
}
