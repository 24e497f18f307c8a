import Testing

@testable import RefundWebhooks

/// The class of every range, by an address in it and by the neighbours of its borders, with `allow_hosts` empty.
struct AddressStandingTests {
    enum Verdict: Sendable {
        case allowed
        case special
        case barred
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
        // IPv4: refused unless named.
        ("10.0.0.0", .special),
        ("10.255.255.255", .special),
        ("100.64.0.0", .special),
        ("100.127.255.255", .special),
        ("127.0.0.1", .special),
        ("127.255.255.255", .special),
        ("172.16.0.0", .special),
        ("172.31.255.255", .special),
        ("192.0.0.1", .special),
        ("192.0.2.1", .special),
        ("192.31.196.1", .special),
        ("192.52.193.1", .special),
        ("192.88.99.1", .special),
        ("192.168.0.0", .special),
        ("192.168.255.255", .special),
        ("192.175.48.1", .special),
        ("198.18.0.0", .special),
        ("198.19.255.255", .special),
        ("198.51.100.1", .special),
        ("203.0.113.1", .special),
        ("240.0.0.0", .special),
        ("255.255.255.254", .special),
        // IPv4: always refused.
        ("0.0.0.0", .barred),
        ("0.255.255.255", .barred),
        ("100.100.100.200", .barred),
        ("168.63.129.16", .barred),
        ("169.254.0.0", .barred),
        ("169.254.169.254", .barred),
        ("169.254.170.2", .barred),
        ("169.254.255.255", .barred),
        ("192.0.0.192", .barred),
        ("224.0.0.0", .barred),
        ("239.255.255.255", .barred),
        ("255.255.255.255", .barred),
        // IPv6: the internet.
        ("2000::", .allowed),
        ("2001:200::1", .allowed),
        ("2001:4860:4860::8888", .allowed),
        ("2606:4700:4700::1111", .allowed),
        ("3ffe:ffff::1", .allowed),
        // IPv6: refused unless named.
        ("::1", .special),
        ("64:ff9b::808:808", .special),
        ("64:ff9b:1::808:808", .special),
        ("100::1", .special),
        ("1fff:ffff::1", .special),
        ("2001:1::1", .special),
        ("2001:2::1", .special),
        ("2001:20::1", .special),
        ("2001:db8::1", .special),
        ("2002:808:808::1", .special),
        ("2620:4f:8000::1", .special),
        ("3fff::1", .special),
        ("4000::1", .special),
        ("5f00::1", .special),
        ("fc00::1", .special),
        ("fdff:ffff::1", .special),
        // IPv6: always refused.
        ("::", .barred),
        ("2001::1", .barred),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", .barred),
        ("fd00:42::42", .barred),
        ("fd00:100::100:200", .barred),
        ("fd00:a9fe:a9fe::1", .barred),
        ("fd00:c1::a9fe:a9fe", .barred),
        ("fd00:ec2::254", .barred),
        ("fd20:ce::254", .barred),
        ("fe80::1", .barred),
        ("febf:ffff::1", .barred),
        ("fec0::1", .barred),
        ("feff:ffff::1", .barred),
        ("ff02::1", .barred),
        // IPv6 with an IPv4 address inside: mapped, compatible, translated, NAT64, 6to4.
        ("::ffff:8.8.8.8", .allowed),
        ("::ffff:10.0.0.1", .special),
        ("::ffff:127.0.0.1", .special),
        ("::ffff:169.254.169.254", .barred),
        ("::ffff:0.0.0.0", .barred),
        ("::8.8.8.8", .special),
        ("::127.0.0.1", .special),
        ("::169.254.169.254", .barred),
        ("::ffff:0:8.8.8.8", .special),
        ("::ffff:0:169.254.169.254", .barred),
        ("64:ff9b::10.0.0.1", .special),
        ("64:ff9b::169.254.169.254", .barred),
        ("64:ff9b::0.0.0.0", .barred),
        ("64:ff9b:1::169.254.169.254", .barred),
        ("64:ff9b:1:a9fe:a9:fe00::", .barred),
        ("64:ff9b:1:a9:fe:a9fe::", .barred),
        ("64:ff9b:1:0:a9:fea9:fe00:0", .barred),
        ("64:ff9b:1::0.0.0.1", .barred),
        ("2002:a00:1::1", .special),
        ("2002:a9fe:a9fe::1", .barred),
        ("2002:7f00:1::1", .special),
    ])
    func everyAddressIsJudgedByWhatItIsFor(_ text: String, _ verdict: Verdict) throws {
        let address = try #require(IPAddress(text))
        let url = try ReceiverURL("https://hooks.example/")
        let refusal = try ReceiverPolicy(allowHosts: []).refusal(of: address, port: 443, for: url)
        switch verdict {
        case .allowed: #expect(refusal == nil)
        case .special: #expect(refusal?.hasSuffix("; name it in [webhook] allow_hosts") == true, "\(refusal ?? "-")")
        case .barred: #expect(refusal?.hasSuffix("; never allowed") == true, "\(refusal ?? "-")")
        }
        // Naming everything opens what is special, and only that.
        let everything = try ReceiverPolicy(allowHosts: ["0.0.0.0/0", "::/0", "hooks.example"])
        #expect((everything.refusal(of: address, port: 443, for: url) == nil) == (verdict != .barred))
    }

    @Test(arguments: [
        ("10.1.2.3", "refused address 10.1.2.3: private (RFC 1918); name it in [webhook] allow_hosts"),
        (
            "64:ff9b::a9fe:a9fe",
            "refused address 169.254.169.254 (as 64:ff9b::a9fe:a9fe): "
                + "link-local, where clouds keep their metadata (RFC 3927); never allowed"
        ),
        (
            "::ffff:10.1.2.3",
            "refused address 10.1.2.3 (as ::ffff:10.1.2.3): private (RFC 1918); name it in [webhook] allow_hosts"
        ),
        ("fe80::1", "refused address fe80::1: link-local (RFC 4291); never allowed"),
    ])
    func refusalNamesTheAddressAndWhatItIs(_ text: String, _ words: String) throws {
        let address = try #require(IPAddress(text))
        let url = try ReceiverURL("https://hooks.example/")
        #expect(try ReceiverPolicy(allowHosts: []).refusal(of: address, port: 443, for: url) == words)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "01.2.3.4", "0x1.2.3.4", "256.1.1.1", "1.2.3.4 ", "1.2.3.4\0", "::1%lo", "[::1]",
        "1::2::3",
    ])
    func otherSpellingsAreNoAddresses(_ text: String) {
        #expect(IPAddress(text) == nil)
    }
}
