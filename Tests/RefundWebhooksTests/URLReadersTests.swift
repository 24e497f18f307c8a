import Testing

@testable import RefundCore
@testable import RefundHTTP

/// libcurl connects to the host and port that the policy has vetted.
struct URLReadersTests {
    private static let pieces = [
        "http://", "https://", "HTTP://", "http:", "//", "/", "\\", "@", ":", "::", "[", "]", "#", "?", "%", "%00",
        "%2e",
        "%40", ".", "..", "-", "_", "~", "0", "1", "80", "65536", "0x", "0x7f", "017", "127.0.0.1", "127.1", "::1",
        "[::1]",
        "[::ffff:127.0.0.1]", "%25eth0", "localhost", "a.example", "xn--a", "e", "x", "user", ";", ",", "&", "=", "+",
        "!",
        "$", "'", "(", ")", "*", "{", "}", "|", "^", "`", "<", ">", "\"", " ", "\t", "\r\n", "\0", "é", "。", "１",
        "\u{7F}",
    ]

    @Test func acceptedURLMeansTheSameToTheClient() throws {
        var generator = LinearGenerator(state: 20_260_101)
        var accepted = 0
        for _ in 0..<50_000 {
            let count = Int.random(in: 1...6, using: &generator)
            let text = (0..<count).reduce(into: Bool.random(using: &generator) ? "http://" : "https://a.example") {
                text,
                _ in
                text += Self.pieces.randomElement(using: &generator) ?? ""
            }
            guard let url = try? HTTPURL(text) else { continue }
            accepted += 1
            let target = try #require(try? RequestTarget(text), "the client refuses \(text.debugDescription)")
            let read = try HTTPURL("\(url.scheme)://\(target.authority)")
            #expect(read.endpoint == url.endpoint, "\(text.debugDescription)")
        }
        #expect(accepted > 1_000)
    }
}

/// A generator that returns the same numbers in every run (Knuth's MMIX parameters).
private struct LinearGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        // The low bits of a linear generator hardly vary.
        return state ^ state >> 33
    }
}
