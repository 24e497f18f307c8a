import RefundPayCloud
import Testing

struct GatewayURLTests {
    @Test(arguments: [
        "https://open.n-age.co.jp", "https://open.n-age.co.jp/", "https://open.n-age.co.jp/api/entry",
        "https://open.n-age.co.jp/api/entry/", "https://open.n-age.co.jp/api/entry///",
        "https://open.n-age.co.jp/api/entry/refundquery", "https://open.n-age.co.jp/api/entry/refundquery/",
    ])
    func urlIsCompletedToTheRefundQuery(base: String) throws {
        let url = try GatewayURL.query(at: base)
        #expect(url == "https://open.n-age.co.jp/api/entry/refundquery")
        #expect(try GatewayURL.query(at: url) == url)
    }

    @Test(arguments: ["", "/api/entry", "/api/entry/refundquery"])
    func pathOfAProxyIsKept(suffix: String) throws {
        let url = try GatewayURL.query(at: "http://127.0.0.1:8080/paycloud" + suffix)
        #expect(url == "http://127.0.0.1:8080/paycloud/api/entry/refundquery")
    }

    @Test(arguments: ["/api/entry/orderquery", "/api/entry/api/entry", "/api/entry/refundquery/x", "/api/entryx"])
    func urlOfAnotherCallIsRefused(path: String) {
        #expect(throws: GatewayURL.Invalid.self) { try GatewayURL.query(at: "https://open.n-age.co.jp" + path) }
    }

    @Test func completedURLMayNotExceedTheLengthLimit() throws {
        let path = String(repeating: "a", count: 2_048 - "https://host//api/entry/refundquery".utf8.count)
        #expect(try GatewayURL.query(at: "https://host/\(path)").utf8.count == 2_048)
        #expect(throws: GatewayURL.Invalid.self) { try GatewayURL.query(at: "https://host/\(path)a") }
    }
}
