import RefundCore
import RefundHTTP
import RefundWebhooks
import Testing

struct WebhookSenderTests {
    @Test func requestIsThatOfStandardWebhooks() async throws {
        let client = ScriptedClient(.success(.canned(204)))
        let outcome = await client.sender(try .test()).outcome(.test())
        #expect(outcome.isDelivered)
        let request = try #require(client.requests.first)
        #expect(client.requests.count == 1)
        #expect(request.url == "https://hooks.example/refunds")
        #expect(request.body == Delivery.test().body)
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "Content-Type: application/json",
                "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp: 1614265330",
                "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ]
        )
        #expect(request.timeout == .seconds(15))
        #expect(request.responseLimit == .keepFirst(4_096))
        #expect(request.caFile == "/etc/refundd/ca.pem")
    }

    @Test func retryHasTheSameIdentifierAndAFreshTimestampAndSignature() async throws {
        let client = ScriptedClient(.success(.canned(500)))
        let sender = client.sender(try .test(secrets: WebhookSender.Settings.secrets))
        _ = await sender.outcome(.test())
        _ = await sender.outcome(.test(), at: Timestamp.attempt.advanced(by: .seconds(5)))
        let headers = client.requests.map { request in
            Dictionary(request.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        try #require(headers.count == 2)
        #expect(headers[0]["webhook-id"] == headers[1]["webhook-id"])
        #expect(headers.map { $0["webhook-timestamp"] } == ["1614265330", "1614265335"])
        #expect(headers[0]["webhook-signature"] != headers[1]["webhook-signature"])
        let signatures = headers[0]["webhook-signature"]?.split(separator: " ") ?? []
        #expect(signatures.count == 2)
        #expect(signatures.allSatisfy { $0.hasPrefix("v1,") })
    }

    @Test func nameThatChangesItsAnswerBetweenCheckAndUseGainsNothing() async throws {
        let settings = try WebhookSender.Settings.test()
        let url = "https://rebind.example/"
        #expect(settings.policy.problem(with: url) == nil, "nothing is known of a name before it is looked up")
        let client = ScriptedClient(.failure(.timeout(.awaitingResponse)))
        for _ in 0..<2 { _ = await client.sender(settings).outcome(.test(url)) }
        // The answers of its name server, one lookup after the other: each is judged for itself where it is connected to.
        let answers: [([UInt8], isAllowed: Bool)] = [
            ([8, 8, 8, 8], true), ([127, 0, 0, 1], false), ([8, 8, 4, 4], true), ([169, 254, 169, 254], false),
        ]
        for request in client.requests {
            let vet = try #require(request.vetAddress)
            for (address, isAllowed) in answers { #expect((vet(address, 443) == nil) == isAllowed, "\(address)") }
        }
    }

    @Test func everyAddressIsVettedByThePolicy() async throws {
        let client = ScriptedClient(.success(.canned(200)))
        _ = await client.sender(try .test(allowHosts: ["10.1.2.3:443"])).outcome(.test())
        let vet = try #require(client.requests.first?.vetAddress)
        #expect(vet([8, 8, 8, 8], 443) == nil)
        #expect(vet([10, 1, 2, 3], 443) == nil)
        #expect(vet([10, 1, 2, 3], 8_443) != nil)
        #expect(vet([10, 1, 2, 4], 443) != nil)
        #expect(vet([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 1, 2, 3], 443) == nil)
        #expect(vet([UInt8](repeating: 0, count: 15) + [1], 443) != nil)
        #expect(vet([], 443) != nil)
        #expect(vet([8, 8, 8], 443) != nil)
    }

    @Test(
        arguments: [
            (200, nil),
            (202, nil),
            (299, nil),
            (301, "HTTP 301 to https://elsewhere.example: redirects are not followed; give the receiver's final URL"),
            (304, "HTTP 304 to https://elsewhere.example: redirects are not followed; give the receiver's final URL"),
            (308, "HTTP 308 to https://elsewhere.example: redirects are not followed; give the receiver's final URL"),
            (400, "HTTP 400"),
            (401, "HTTP 401"),
            (410, "HTTP 410"),
            (429, "HTTP 429"),
            (500, "HTTP 500"),
            (503, "HTTP 503"),
            (600, "HTTP 600"),
        ] as [(Int, String?)]
    )
    func onlyA2xxStatusIsSuccess(_ status: Int, _ error: String?) async throws {
        let response = HTTPResponse.canned(
            status,
            fields: ["Location: https://elsewhere.example/token"],
            body: "answer"
        )
        let outcome = await ScriptedClient(.success(response)).sender(try .test()).outcome(.test())
        #expect(outcome.isDelivered == (error == nil))
        #expect(outcome.error == error)
        #expect(outcome.status == status)
        #expect(outcome.answer == Array("answer".utf8))
        #expect(outcome.duration == .milliseconds(250))
        #expect(outcome.retryAfter == nil)
    }

    @Test(
        arguments: [
            ("Retry-After: 120", Duration.seconds(120)),
            ("retry-after:  0 ", .zero),
            // The answer came a quarter of a second after 15:02:10.999.
            ("Retry-After: Thu, 25 Feb 2021 15:02:20 GMT", .milliseconds(8_751)),
            ("Retry-After: Thu, 25 Feb 2021 15:02:10 GMT", .zero),
            ("Retry-After: soon", nil),
            ("Retry-After: -5", nil),
        ] as [(String, Duration?)]
    )
    func retryAfterIsPassedOn(_ field: String, _ delay: Duration?) async throws {
        let client = ScriptedClient(.success(.canned(503, fields: [field])))
        #expect(await client.sender(try .test()).outcome(.test()).retryAfter == delay)
    }

    @Test(arguments: [
        HTTPError.timeout(.receivingBody), .connectionLost, .tooLarge(limit: 4_096), .interrupted,
    ])
    func statusIsTheVerdictHoweverTheBodyEnds(_ error: HTTPError) async throws {
        let delivered = HTTPResponse.canned(200, body: "ok", bodyEnd: .broken(error))
        #expect(await ScriptedClient(.success(delivered)).sender(try .test()).outcome(.test()).isDelivered)
        let gone = HTTPResponse.canned(410, bodyEnd: .broken(error))
        #expect(await ScriptedClient(.success(gone)).sender(try .test()).outcome(.test()).isGone)
        let busy = HTTPResponse.canned(503, fields: ["Retry-After: 60"], bodyEnd: .broken(error))
        let outcome = await ScriptedClient(.success(busy)).sender(try .test()).outcome(.test())
        #expect(outcome.error == "HTTP 503")
        #expect(outcome.retryAfter == .seconds(60))
    }

    @Test func interruptedAttemptHasNoOutcome() async throws {
        let sender = ScriptedClient(.failure(.interrupted)).sender(try .test())
        #expect(await sender.attempt(.test()) == .interrupted)
    }

    @Test func probeOpensANewConnection() async throws {
        let client = ScriptedClient(.success(.canned(200)))
        let sender = client.sender(try .test())
        for isProbe in [true, false] {
            await withCheckedContinuation { continuation in
                sender.deliver(.test(), at: .attempt, isProbe: isProbe) { _ in continuation.resume() }
            }
        }
        #expect(client.requests.map(\.connection) == [.fresh, .any])
    }

    @Test(arguments: [
        (HTTPError.timeout(.connecting), "timed out after 15s while connecting"),
        (.timeout(.awaitingResponse), "timed out after 15s while waiting for the response"),
        (.refusedAddress("refused address 10.0.0.1: private"), "refused address 10.0.0.1: private"),
        (.connect, HTTPError.connect.description),
        (.resolve, HTTPError.resolve.description),
        (.malformedResponse("HTTP/0.9"), HTTPError.malformedResponse("HTTP/0.9").description),
        (.emptyResponse, HTTPError.emptyResponse.description),
        (.certificate("self-signed"), HTTPError.certificate("self-signed").description),
    ])
    func exchangeWithoutAResponseIsAFailedAttempt(_ error: HTTPError, _ words: String) async throws {
        let outcome = await ScriptedClient(.failure(error)).sender(try .test()).outcome(.test())
        #expect(!outcome.isDelivered)
        #expect(outcome.status == nil)
        #expect(outcome.error == words)
        #expect(outcome.answer.isEmpty)
    }

    @Test(
        arguments: [
            ("https://hooks.example/", "msg_1", [], "no webhook secret is configured; set [webhook] secret_files"),
            ("https://hooks.example/", "", WebhookSender.Settings.secrets, "id"),
            ("https://hooks.example/", "msg.1", WebhookSender.Settings.secrets, "id"),
            ("https://hooks.example/", "msg_1\r\nX-Evil: 1", WebhookSender.Settings.secrets, "id"),
            ("", "msg_1", WebhookSender.Settings.secrets, "empty"),
            ("ftp://hooks.example/", "msg_1", WebhookSender.Settings.secrets, "https://"),
            ("https://user:pass@hooks.example/", "msg_1", WebhookSender.Settings.secrets, "user name"),
            ("https:///path", "msg_1", WebhookSender.Settings.secrets, "no host"),
            ("https://127.1/", "msg_1", WebhookSender.Settings.secrets, "neither a name"),
            ("https://127.0.0.1/", "msg_1", WebhookSender.Settings.secrets, "refused address 127.0.0.1: loopback"),
            ("https://169.254.169.254/", "msg_1", WebhookSender.Settings.secrets, "never allowed"),
            ("http://hooks.example/", "msg_1", WebhookSender.Settings.secrets, "plain http to hooks.example:80"),
        ] as [(String, String, [String], String)]
    )
    func nothingIsSentThatMustNotBe(_ url: String, _ id: String, _ secrets: [String], _ part: String) async throws {
        let client = ScriptedClient(.success(.canned(200)))
        let outcome = await client.sender(try .test(secrets: secrets)).outcome(.test(url, id: id))
        #expect(client.requests.isEmpty)
        #expect(!outcome.isDelivered)
        #expect(outcome.status == nil)
        #expect(outcome.error?.contains(part) == true, "\(outcome.error ?? "-")")
        #expect(outcome.error?.contains("pass@") != true)
    }
}
