import Testing

@testable import RefundCore

struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.1.2.3", "10.1.2.3"),
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("FD00:0:0::A", "fd00::a"),
        ("0001:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:0:0:2:0:0:3:4", "1::2:0:0:3:4"), ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3"), ("::ffff:a01:203", "::ffff:10.1.2.3"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("::1.2.3.4", "::102:304"),
    ])
    func addressIsPrintedInItsCanonicalForm(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect("\(address)" == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "01.2.3.4", "00.0.0.0", "0x1.2.3.4", "256.1.1.1",
        "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\0", "+1.2.3.4", "1.2.3.4/8", "１.2.3.4", "127.1", "2130706433",
        ":", ":::", "1:", ":1", "1::2::3", "1:::2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::",
        "::12345",
        "::g", "::1%lo", "[::1]", "1.2.3.4::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4:5", "::-1", "::1 ",
    ])
    func otherSpellingsAreRejected(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func bytesAreInNetworkOrder() {
        #expect(IPAddress(bytes: [10, 1, 2, 3]) == IPAddress("10.1.2.3"))
        #expect(IPAddress(bytes: [UInt8](repeating: 0, count: 15) + [1]) == IPAddress("::1"))
        #expect(IPAddress(bytes: [0, 0, 0, 1]) != IPAddress("::1"), "an IPv4 address is not an IPv6 address")
        for count in [0, 3, 5, 15, 17] { #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test func loopbackIsRecognised() {
        for text in ["127.0.0.1", "127.255.255.255", "::1"] { #expect(IPAddress(text)?.isLoopback == true) }
        for text in ["126.0.0.1", "128.0.0.1", "::", "::2", "0.0.0.1"] { #expect(IPAddress(text)?.isLoopback == false) }
    }
}
