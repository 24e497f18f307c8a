import RefundCore
import RefundHTTP
import RefundWebhooks
import Testing

/// The sender with the real HTTP client, over loopback.
struct LiveDeliveryTests {
    private static let ok = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".utf8)

    /// Delivers one webhook to a receiver and hands over what came of it and what the receiver saw.
    private func deliver(
        to answer: [UInt8]?,
        url: String = "http://127.0.0.1:PORT/hook?a=b",
        allowHosts: [String] = ["127.0.0.1:PORT"],
        timeout: Duration = .seconds(15),
        _ check: (DeliveryOutcome, [ScriptedReceiver.Received]) throws -> Void
    ) async throws {
        try await ScriptedReceiver.with(answer: answer) { receiver in
            func filled(_ text: String) -> String {
                text.split(separator: "PORT", omittingEmptySubsequences: false).joined(separator: "\(receiver.port)")
            }
            let client = try HTTPClient(settings: .init(maxConnections: 4, name: "webhooks", userAgent: "refundd"))
            defer { client.shutDown() }
            var settings = try WebhookSender.Settings.test(allowHosts: allowHosts.map(filled), timeout: timeout)
            settings.caFile = nil
            let outcome = await WebhookSender(settings, http: client).outcome(.test(filled(url)))
            try check(outcome, receiver.requests)
        }
    }

    @Test func webhookArrivesAsItWasSigned() async throws {
        try await deliver(to: Self.ok) { outcome, requests in
            #expect(outcome.error == nil)
            #expect(outcome.isDelivered)
            #expect(outcome.status == 200)
            #expect(outcome.answer == Array("ok".utf8))
            let request = try #require(requests.first)
            #expect(requests.count == 1)
            #expect(request.line == "POST /hook?a=b HTTP/1.1")
            #expect(request.body == Delivery.test().body)
            #expect(request.fields["content-type"] == "application/json")
            #expect(request.fields["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek")
            #expect(request.fields["webhook-timestamp"] == "1614265330")
            #expect(request.fields["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        }
    }

    @Test(arguments: [
        // By a name that leads to loopback: named by its address, by itself, with and without a port.
        ("http://localhost:PORT/", "127.0.0.1:PORT"),
        ("http://localhost:PORT/", "127.0.0.0/8"),
        ("http://localhost:PORT/", "localhost"),
        ("http://LOCALHOST:PORT/", "localhost.:PORT"),
    ])
    func entryLetsTheWebhookThrough(_ url: String, _ entry: String) async throws {
        try await deliver(to: Self.ok, url: url, allowHosts: [entry]) { outcome, requests in
            #expect(outcome.error == nil)
            #expect(requests.count == 1)
        }
    }

    @Test(arguments: [
        // The second name is asked for up to the connection, which only the vetting of the address then stops.
        ("http://127.0.0.1:PORT/", "10.0.0.0/8", "refused address 127.0.0.1: loopback"),
        ("http://localhost:PORT/", "10.0.0.0/8", "refused address "),
        ("https://localhost:PORT/", "10.0.0.0/8", "refused address "),
        ("https://localhost:PORT/", "localhost:1", "refused address "),
        ("http://localhost:PORT/", "localhost:1", "plain http"),
        // One of the name's addresses is allowed and takes nothing; its other one, where the receiver is, gains nothing.
        ("http://localhost:PORT/", "[::1]:PORT", "refused address 127.0.0.1: loopback"),
        ("http://[::ffff:127.0.0.1]:PORT/", "::1", "refused address 127.0.0.1 (as ::ffff:127.0.0.1): loopback"),
        ("http://2130706433:PORT/", "127.0.0.1", "neither a name"),
        ("http://127.1:PORT/", "127.0.0.1", "neither a name"),
        ("http://user@127.0.0.1:PORT/", "127.0.0.1", "user name"),
    ])
    func receiverThatIsNotNamedSeesNothing(_ url: String, _ entry: String, _ part: String) async throws {
        try await deliver(to: Self.ok, url: url, allowHosts: [entry]) { outcome, requests in
            #expect(outcome.error?.contains(part) == true, "\(outcome.error ?? "-")")
            #expect(outcome.status == nil)
            #expect(requests.isEmpty)
        }
    }

    @Test func redirectIsNotFollowed() async throws {
        let redirect = "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        try await deliver(to: Array(redirect.utf8)) { outcome, requests in
            #expect(outcome.status == 307)
            #expect(outcome.error?.contains("redirects are not followed") == true)
            #expect(requests.count == 1)
        }
    }

    @Test func retryAfterOfARealAnswerIsRead() async throws {
        let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        try await deliver(to: Array(busy.utf8)) { outcome, _ in
            #expect(outcome.error == "HTTP 503")
            #expect(outcome.retryAfter == .seconds(7))
        }
    }

    @Test(arguments: [
        "", "\0\u{1}\u{2}garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n",
    ])
    func garbageIsAFailedAttempt(_ answer: String) async throws {
        try await deliver(to: Array(answer.utf8)) { outcome, _ in
            #expect(!outcome.isDelivered)
            #expect(outcome.error?.isEmpty == false)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n",
    ])
    func webhookAcceptedWithABrokenBodyIsDelivered(_ answer: String) async throws {
        try await deliver(to: Array(answer.utf8)) { outcome, _ in
            #expect(outcome.isDelivered)
            #expect(outcome.answer == Array("ok".utf8))
        }
    }

    @Test(arguments: ["Content-Length: ten", "Content-Length: -1"])
    func webhookAcceptedWithAnUnreadableLengthIsDelivered(_ field: String) async throws {
        try await deliver(to: Array("HTTP/1.1 200 OK\r\n\(field)\r\n\r\nok".utf8)) { outcome, _ in
            #expect(outcome.isDelivered)
            #expect(outcome.status == 200)
        }
    }

    @Test func statusBeforeAnInvalidHeaderIsKept() async throws {
        for (status, isGone) in [(200, false), (410, true), (503, false)] {
            let answer = "HTTP/1.1 \(status) X\r\nRetry-After: 7\r\nX-A: a\0b\r\n\r\n"
            try await deliver(to: Array(answer.utf8)) { outcome, _ in
                #expect(outcome.status == status)
                #expect(!outcome.isDelivered)
                #expect(outcome.isGone == isGone)
                #expect(outcome.retryAfter == .seconds(7))
                #expect(outcome.error == "HTTP \(status) with an invalid header: NUL byte in the header")
            }
        }
    }

    @Test func receiverThatHangsIsGivenUp() async throws {
        try await deliver(to: nil, timeout: .milliseconds(300)) { outcome, requests in
            #expect(outcome.error == "timed out after 300ms while waiting for the response")
            // libcurl counts in milliseconds, of which the first has partly passed.
            #expect(outcome.duration > .milliseconds(298))
            #expect(requests.count == 1)
        }
    }

    @Test func onlyTheBeginningOfALongAnswerIsKept() async throws {
        let size = 10 * 1_024 * 1_024
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\nConnection: close\r\n\r\n"
        let answer = Array(head.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: size)
        try await deliver(to: answer) { outcome, _ in
            #expect(outcome.isDelivered)
            #expect(outcome.answer == [UInt8](repeating: UInt8(ascii: "x"), count: 4_096))
        }
    }
}
