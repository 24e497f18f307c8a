import Testing

@testable import RefundCore
@testable import RefundWebhooks

/// What an entry of `allow_hosts` allows: a URL, an address its host resolves to, and the entry.
struct ReceiverPolicyTests {
    @Test(arguments: [
        // Addresses with and without a port; the host name does not matter.
        Case("https://10.1.2.3/", "10.1.2.3", "10.1.2.3", allowed: true),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3", allowed: true),
        Case("https://hooks.example/", "10.1.2.4", "10.1.2.3", allowed: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3:443", allowed: true),
        Case("https://hooks.example:8443/", "10.1.2.3", "10.1.2.3:443", allowed: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3:8443", allowed: false),
        Case("https://[::1]/", "::1", "::1", allowed: true),
        Case("https://[::1]/", "::1", "[::1]", allowed: true),
        Case("https://[::1]:8443/", "::1", "[::1]:8443", allowed: true),
        Case("https://[::1]:8444/", "::1", "[::1]:8443", allowed: false),
        Case("https://[fd00::1]/", "fd00::1", "FD00:0:0::1", allowed: true),
        Case("https://[fd00::1]/", "fd00::1", "fd00::2", allowed: false),
        Case("https://localhost/", "::1", "127.0.0.1", allowed: false),
        // Networks and their boundaries.
        Case("https://hooks.example/", "10.1.0.0", "10.1.0.0/16", allowed: true),
        Case("https://hooks.example/", "10.1.255.255", "10.1.0.0/16", allowed: true),
        Case("https://hooks.example/", "10.0.255.255", "10.1.0.0/16", allowed: false),
        Case("https://hooks.example/", "10.2.0.0", "10.1.0.0/16", allowed: false),
        Case("https://hooks.example/", "10.1.2.127", "10.1.2.0/25", allowed: true),
        Case("https://hooks.example/", "10.1.2.128", "10.1.2.0/25", allowed: false),
        Case("https://hooks.example/", "10.1.2.3", "10.1.2.3/32", allowed: true),
        Case("https://hooks.example/", "10.1.2.2", "10.1.2.3/32", allowed: false),
        Case("https://hooks.example/", "192.168.1.1", "0.0.0.0/0", allowed: true),
        Case("https://hooks.example/", "fd00::1", "0.0.0.0/0", allowed: false),
        Case("https://hooks.example/", "fd12:ffff::1", "fd12::/16", allowed: true),
        Case("https://hooks.example/", "fd13::", "fd12::/16", allowed: false),
        Case("https://hooks.example/", "fd00::1", "fd00::1/128", allowed: true),
        Case("https://hooks.example/", "fd00::ffff:ffff:ffff:ffff", "fd00::/65", allowed: false),
        Case("https://hooks.example/", "fd00::7fff:ffff:ffff:ffff", "fd00::/65", allowed: true),
        Case("https://hooks.example/", "10.0.0.1", "::/0", allowed: false),
        // A name allows the URL's host, not another name that resolves to the same address.
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal", allowed: true),
        Case("https://HOOKS.internal./", "10.1.2.3", "Hooks.Internal", allowed: true),
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal.", allowed: true),
        Case("https://hooks.internal:8443/", "10.1.2.3", "hooks.internal", allowed: true),
        Case("https://hooks.internal:8443/", "10.1.2.3", "hooks.internal:8443", allowed: true),
        Case("https://hooks.internal/", "10.1.2.3", "hooks.internal:8443", allowed: false),
        Case("https://a.hooks.internal/", "10.1.2.3", "hooks.internal", allowed: false),
        Case("https://internal/", "10.1.2.3", "hooks.internal", allowed: false),
        Case("https://evil.example/", "10.1.2.3", "hooks.internal", allowed: false),
        Case("https://10.1.2.3/", "10.1.2.3", "hooks.internal", allowed: false),
        Case("https://localhost/", "127.0.0.1", "localhost", allowed: true),
        Case("https://localhost/", "::1", "localhost", allowed: true),
        // No entry allows these.
        Case("https://hooks.internal/", "169.254.169.254", "hooks.internal", allowed: false),
        Case("https://169.254.169.254/", "169.254.169.254", "169.254.169.254", allowed: false),
        Case("https://169.254.169.254/", "169.254.169.254", "169.254.0.0/16", allowed: false),
        Case("https://hooks.internal/", "fe80::1", "fe80::/10", allowed: false),
        Case("https://hooks.internal/", "100.100.100.200", "100.64.0.0/10", allowed: false),
        Case("https://hooks.internal/", "fd00:ec2::254", "fc00::/7", allowed: false),
        Case("https://hooks.internal/", "0.0.0.0", "0.0.0.0", allowed: false),
        // Both forms of an embedded address must be allowed; a mapped address counts as IPv4.
        Case("https://hooks.example/", "::ffff:10.1.2.3", "10.1.2.3", allowed: true),
        Case("https://[::ffff:10.1.2.3]/", "::ffff:10.1.2.3", "10.1.0.0/16", allowed: true),
        Case("https://hooks.example/", "::ffff:10.1.2.3", "::/0", allowed: false),
        Case("https://hooks.example/", "64:ff9b::8.8.8.8", "64:ff9b::/96", allowed: true),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "64:ff9b::/96", allowed: false),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "10.1.2.3", allowed: false),
        Case("https://hooks.example/", "64:ff9b::10.1.2.3", "hooks.example", allowed: true),
        Case("https://hooks.example/", "64:ff9b:1::10.1.2.3", "64:ff9b:1::/48", allowed: false),
        Case("https://hooks.example/", "64:ff9b:1::8.8.8.8", "64:ff9b:1::/48", allowed: true),
        // Plain http must be allowed even to internet addresses.
        Case("http://hooks.example/", "8.8.8.8", "hooks.example", allowed: true),
        Case("http://hooks.example/", "8.8.8.8", "hooks.example:80", allowed: true),
        Case("http://hooks.example/", "8.8.8.8", "hooks.example:8080", allowed: false),
        Case("http://hooks.example/", "8.8.8.8", "8.8.8.8", allowed: true),
        Case("http://hooks.example/", "8.8.8.8", "8.8.8.0/24", allowed: true),
        Case("http://hooks.example/", "8.8.4.4", "8.8.8.0/24", allowed: false),
        Case("http://8.8.8.8/", "8.8.8.8", "8.8.8.8:80", allowed: true),
        Case("http://hooks.example/", "64:ff9b::8.8.8.8", "64:ff9b::/96", allowed: false),
        Case("http://127.0.0.1:8080/", "127.0.0.1", "127.0.0.1:8080", allowed: true),
        Case("http://127.0.0.1:8081/", "127.0.0.1", "127.0.0.1:8080", allowed: false),
    ])
    func entryAllowsWhatItNames(_ row: Case) throws {
        let address = try #require(IPAddress(row.address))
        let url = try HTTPURL(row.url)
        func refusal(_ allowHosts: [String]) throws -> String? {
            let policy = try ReceiverPolicy(allowHosts)
            return policy.refusal(of: url) ?? policy.refusal(of: address, port: url.port, for: url)
        }
        #expect((try refusal([row.entry]) == nil) == row.allowed)
        #expect(try refusal([]) != nil, "the address is allowed without any entry")
        // Other entries make no difference.
        #expect((try refusal(["elsewhere.internal", row.entry, "172.16.0.0/12"]) == nil) == row.allowed)
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
    func undeliverableURLIsKnownWithoutALookup(_ url: String, _ allowHosts: [String], _ part: String?) throws {
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
        var allowed: Bool

        init(_ url: String, _ address: String, _ entry: String, allowed: Bool) {
            self.url = url
            self.address = address
            self.entry = entry
            self.allowed = allowed
        }
    }
}
