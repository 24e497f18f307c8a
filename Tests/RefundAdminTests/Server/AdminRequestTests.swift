import RefundCore
import Testing

@testable import RefundAdmin

struct AdminRequestTests {
    private func request(_ text: String) throws(AdminResponse) -> AdminRequest? {
        try AdminRequest(parsing: Array(text.utf8))
    }

    @Test(arguments: [
        ("GET /metrics?a=b HTTP/1.1\r\nHost: localhost:9464\r\n\r\n", "localhost:9464"),
        ("GET /metrics HTTP/1.1\nhost:\t localhost:9464 \n\n", "localhost:9464"),
        ("GET /metrics HTTP/1.0\r\n\r\n", nil),
        ("GET /metrics HTTP/1.1\r\nX-A: \u{e9}\r\nHost:\r\n\r\nbody", ""),
    ])
    func wellFormedHeadsAreRead(text: String, host: String?) throws {
        let request = try #require(try request(text))
        #expect((request.method, request.path) == ("GET", "/metrics"))
        #expect(request.host == host)
    }

    @Test(arguments: ["", "GET", "GET / HTTP/1.1", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"])
    func headWithoutItsEndIsIncomplete(text: String) throws {
        #expect(try request(text) == nil)
    }

    @Test(arguments: [
        "\r\n", "GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / a HTTP/1.1\r\n\r\n", "GET / http/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    ])
    func malformedHeadsAreRejected(text: String) {
        let error = #expect(throws: AdminResponse.self) { try request(text) }
        #expect(error?.status == 400)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST:80", true), ("127.0.0.1", true), ("127.0.0.1:9464", true), ("[::1]", true),
        ("[::1]:9464", true), ("192.0.2.1", true), ("box.internal:1", true), ("", false), ("evil.example", false),
        ("evil.example:9464", false), ("localhost.evil.example", false), ("127.0.0.1.evil.example", false),
        ("localhost:x", false), ("[::1", false), ("::1", false), ("[evil.example]", false), ("0x7f.1", false),
        ("127.0.0.1:9464:1", false), ("user@localhost", false),
    ])
    func onlyAddressesLocalhostAndConfiguredNamesAreKnown(host: String, isKnown: Bool) throws {
        let request = try #require(try request("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n"))
        #expect(request.isAddressed(to: ["box.internal"]) == isKnown)
    }

    @Test func anyBytesAreReadRejectedOrIncomplete() {
        var random = SplitMix64(seed: 7)
        let sample = Array("GET /metrics HTTP/1.1\r\nHost: localhost:9464\r\nX: y\r\n\r\n".utf8)
        for _ in 0..<5_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = .random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
                }
            }
            do throws(AdminResponse) {
                guard let request = try AdminRequest(parsing: bytes) else { continue }
                #expect(request.path.utf8.allSatisfy { 0x21...0x7E ~= $0 })
                _ = request.isAddressed(to: [])
            } catch {
                #expect([400, 505].contains(error.status))
            }
        }
    }
}
