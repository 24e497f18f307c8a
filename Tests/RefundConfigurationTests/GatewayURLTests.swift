import RefundConfiguration
import RefundCore
import Testing

struct GatewayURLTests {
    @Test(arguments: [
        ("https://open.n-age.co.jp", "https://open.n-age.co.jp"),
        ("https://open.n-age.co.jp/", "https://open.n-age.co.jp"),
        ("https://open.n-age.co.jp/api/entry///", "https://open.n-age.co.jp/api/entry"),
        ("HTTPS://Open.N-AGE.co.jp:8443", "https://open.n-age.co.jp:8443"),
        ("https://proxy.example/paycloud", "https://proxy.example/paycloud"),
        ("https://203.0.113.7", "https://203.0.113.7"),
        ("https://[2001:DB8::7]:444/", "https://[2001:db8::7]:444"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:65535", "http://[::1]:65535"),
        ("https://open.n-age.co.jp.:443", "https://open.n-age.co.jp"),
    ])
    func gatewayURLIsNormalized(url address: String, expected: String) throws {
        let configuration = try Sample.load(Sample.text(gateway: ["url": "\"\(address)\""]))
        #expect(configuration.gateways["default"]?.url == expected)
    }

    @Test(arguments: [
        "", "open.n-age.co.jp", "ftp://host", "http://open.n-age.co.jp", "http://128.0.0.1", "http://localhost.example",
        "https://user:secret@host/", "https://host/?key=secret", "https://host/#top",
        "https://", "https://:443", "https://host:99999", "https://host:0",
        "https://2001:db8::7/", "https://[127.0.0.1]", "https://[::1", "https://[::1]x", "https://a b/",
        // Resolvers read some of these as addresses, so none may pass for the name of another host.
        "https://127.1/", "https://0x7f000001", "https://2130706433", "https://1.2.3.4.5", "https://256.1.1.1",
        "https://a..b", "https://-a.example", "https://bücher.example", "https://host\\u0000.example",
    ])
    func otherURLIsRejected(url: String) throws {
        #expect(try Sample.problems(Sample.text(gateway: ["url": "\"\(url)\""])) == ["gateway.url invalid"])
    }

    @Test(arguments: [
        "https://shop.example", "https://shop.example/hooks?token=a%20b", "http://127.0.0.1:8080/hook",
        "http://hooks.internal/", "https://Shop.Example./hooks#there",
    ])
    func webhookURLIsKept(url: String) throws {
        let text = Sample.text(adding: "[webhook]\nsecret_files = [\"secret\"]\nurl = \"\(url)\"")
        #expect(try Sample.load(text).webhook.url == url)
    }

    @Test(arguments: ["ftp://host/", "https://me:pw@host/", "https://host:99999/", "https://127.1/"])
    func otherWebhookURLIsRejected(url: String) throws {
        let text = Sample.text(adding: "[webhook]\nsecret_files = [\"secret\"]\nurl = \"\(url)\"")
        #expect(try Sample.problems(text) == ["webhook.url invalid"])
    }
}
