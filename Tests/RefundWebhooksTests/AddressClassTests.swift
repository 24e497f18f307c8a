import Testing

@testable import RefundCore
@testable import RefundWebhooks

/// The class of every range, by addresses in it and just outside of it.
struct AddressClassTests {
    enum Verdict: Sendable {
        case allowed
        case restricted
        case forbidden
    }

    @Test(arguments: [
        // IPv4: the internet.
        ("8.8.8.8", Verdict.allowed),
        ("1.0.0.0", .allowed),
        ("9.255.255.255", .allowed),
        ("11.0.0.0", .allowed),
        ("100.63.255.255", .allowed),
        ("100.128.0.0", .allowed),
        ("126.255.255.255", .allowed),
        ("128.0.0.0", .allowed),
        ("168.63.129.15", .allowed),
        ("169.253.255.255", .allowed),
        ("169.255.0.0", .allowed),
        ("172.15.255.255", .allowed),
        ("172.32.0.0", .allowed),
        ("192.0.1.0", .allowed),
        ("192.167.255.255", .allowed),
        ("192.169.0.0", .allowed),
        ("198.17.255.255", .allowed),
        ("198.20.0.0", .allowed),
        ("223.255.255.255", .allowed),
        // IPv4: restricted.
        ("10.0.0.0", .restricted),
        ("10.255.255.255", .restricted),
        ("100.64.0.0", .restricted),
        ("100.127.255.255", .restricted),
        ("127.0.0.1", .restricted),
        ("127.255.255.255", .restricted),
        ("172.16.0.0", .restricted),
        ("172.31.255.255", .restricted),
        ("192.0.0.1", .restricted),
        ("192.0.2.1", .restricted),
        ("192.31.196.1", .restricted),
        ("192.52.193.1", .restricted),
        ("192.88.99.1", .restricted),
        ("192.168.0.0", .restricted),
        ("192.168.255.255", .restricted),
        ("192.175.48.1", .restricted),
        ("198.18.0.0", .restricted),
        ("198.19.255.255", .restricted),
        ("198.51.100.1", .restricted),
        ("203.0.113.1", .restricted),
        ("240.0.0.0", .restricted),
        ("255.255.255.254", .restricted),
        // IPv4: forbidden.
        ("0.0.0.0", .forbidden),
        ("0.255.255.255", .forbidden),
        ("100.100.100.200", .forbidden),
        ("168.63.129.16", .forbidden),
        ("169.254.0.0", .forbidden),
        ("169.254.169.254", .forbidden),
        ("169.254.170.2", .forbidden),
        ("169.254.255.255", .forbidden),
        ("192.0.0.192", .forbidden),
        ("224.0.0.0", .forbidden),
        ("239.255.255.255", .forbidden),
        ("255.255.255.255", .forbidden),
        // IPv6: the internet.
        ("2000::", .allowed),
        ("2001:200::1", .allowed),
        ("2001:4860:4860::8888", .allowed),
        ("2606:4700:4700::1111", .allowed),
        ("3ffe:ffff::1", .allowed),
        // IPv6: restricted.
        ("::1", .restricted),
        ("64:ff9b::808:808", .restricted),
        ("64:ff9b:1::808:808", .restricted),
        ("100::1", .restricted),
        ("1fff:ffff::1", .restricted),
        ("2001:1::1", .restricted),
        ("2001:2::1", .restricted),
        ("2001:20::1", .restricted),
        ("2001:db8::1", .restricted),
        ("2002:808:808::1", .restricted),
        ("2620:4f:8000::1", .restricted),
        ("3fff::1", .restricted),
        ("4000::1", .restricted),
        ("5f00::1", .restricted),
        ("fc00::1", .restricted),
        ("fdff:ffff::1", .restricted),
        // IPv6: forbidden.
        ("::", .forbidden),
        ("2001::1", .forbidden),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", .forbidden),
        ("fd00:42::42", .forbidden),
        ("fd00:100::100:200", .forbidden),
        ("fd00:a9fe:a9fe::1", .forbidden),
        ("fd00:c1::a9fe:a9fe", .forbidden),
        ("fd00:ec2::254", .forbidden),
        ("fd20:ce::254", .forbidden),
        ("fe80::1", .forbidden),
        ("febf:ffff::1", .forbidden),
        ("fec0::1", .forbidden),
        ("feff:ffff::1", .forbidden),
        ("ff02::1", .forbidden),
        // IPv6 with an IPv4 address inside: mapped, compatible, translated, NAT64, 6to4.
        ("::ffff:8.8.8.8", .allowed),
        ("::ffff:10.0.0.1", .restricted),
        ("::ffff:127.0.0.1", .restricted),
        ("::ffff:169.254.169.254", .forbidden),
        ("::ffff:0.0.0.0", .forbidden),
        ("::8.8.8.8", .restricted),
        ("::127.0.0.1", .restricted),
        ("::169.254.169.254", .forbidden),
        ("::ffff:0:8.8.8.8", .restricted),
        ("::ffff:0:169.254.169.254", .forbidden),
        ("64:ff9b::10.0.0.1", .restricted),
        ("64:ff9b::169.254.169.254", .forbidden),
        ("64:ff9b::0.0.0.0", .forbidden),
        ("64:ff9b:1::169.254.169.254", .forbidden),
        ("64:ff9b:1:a9fe:a9:fe00::", .forbidden),
        ("64:ff9b:1:a9:fe:a9fe::", .forbidden),
        ("64:ff9b:1:0:a9:fea9:fe00:0", .forbidden),
        ("64:ff9b:1::0.0.0.1", .forbidden),
        ("2002:a00:1::1", .restricted),
        ("2002:a9fe:a9fe::1", .forbidden),
        ("2002:7f00:1::1", .restricted),
    ])
    func everyAddressIsClassifiedByItsRange(_ text: String, _ verdict: Verdict) throws {
        let address = try #require(IPAddress(text))
        let url = try HTTPURL("https://hooks.example/")
        let refusal = ReceiverPolicy(allowHosts: []).refusal(of: address, port: 443, for: url)
        switch verdict {
        case .allowed: #expect(refusal == nil)
        case .restricted:
            let remedy = "; add \"hooks.example:443\" to [webhook] allow_hosts to allow it"
            #expect(refusal?.hasSuffix(remedy) == true, "\(refusal ?? "-")")
            let named = try ReceiverPolicy(["hooks.example:443"])
            #expect(named.refusal(of: address, port: 443, for: url) == nil, "the entry that the message names helps")
        case .forbidden: #expect(refusal?.hasSuffix("; never allowed") == true, "\(refusal ?? "-")")
        }
        // Allowing everything opens restricted addresses but no forbidden ones.
        let everything = try ReceiverPolicy(["0.0.0.0/0", "::/0", "hooks.example"])
        #expect((everything.refusal(of: address, port: 443, for: url) == nil) == (verdict != .forbidden))
    }

    private static let remedy = "add \"hooks.example:443\" to [webhook] allow_hosts to allow it"

    @Test(arguments: ["https://10.1.2.3/x", "https://[::1]:8443/x", "http://[fd00::1]/x", "http://shop.example:81/"])
    func refusalNamesTheEntryThatHelps(text: String) throws {
        let url = try HTTPURL(text)
        func refusal(_ policy: ReceiverPolicy) throws -> String? {
            guard case .address(let address) = url.host else { return policy.refusal(of: url) }
            return policy.refusal(of: address, port: url.port, for: url)
        }
        let problem = try #require(try refusal(ReceiverPolicy(allowHosts: [])))
        let entry = try #require(problem.split(separator: "\"").dropFirst().first, "\(problem)")
        #expect(try refusal(try ReceiverPolicy([String(entry)])) == nil, "\(problem)")
    }

    @Test(arguments: [
        ("10.1.2.3", "refused address 10.1.2.3: private (RFC 1918); \(remedy)"),
        (
            "64:ff9b::a9fe:a9fe",
            "refused address 169.254.169.254 (as 64:ff9b::a9fe:a9fe): "
                + "link-local, cloud metadata (RFC 3927); never allowed"
        ),
        (
            "::ffff:10.1.2.3",
            "refused address 10.1.2.3 (as ::ffff:10.1.2.3): private (RFC 1918); \(remedy)"
        ),
        ("fe80::1", "refused address fe80::1: link-local (RFC 4291); never allowed"),
    ])
    func refusalNamesTheAddressAndItsRange(_ text: String, _ words: String) throws {
        let address = try #require(IPAddress(text))
        let url = try HTTPURL("https://hooks.example/")
        #expect(ReceiverPolicy(allowHosts: []).refusal(of: address, port: 443, for: url) == words)
    }
}
