import RefundCore
import RefundCrypto
import RefundHTTP
import RefundPayCloud
import RefundTestSupport
import Synchronization
import Testing

struct GatewayClientTests {
    private static let url = "https://gateway.example/api/entry/refundquery"
    private static let now = Timestamp(milliseconds: 1_735_873_100_708)
    private static let success = #"{"merchant_order_no":"R-1","trans_status":2}"#

    private func client(_ http: any HTTPTransport) -> GatewayClient {
        let settings = GatewayClient.Settings(
            url: Self.url,
            appID: "wz715fc0d10ee9d156",
            privateKey: SignedAnswer.appKey,
            publicKeys: [SignedAnswer.gatewayPublicKey],
            caFile: "/etc/ca.pem",
            timeout: .seconds(7)
        )
        return GatewayClient(settings, http: http, signing: SigningPool(threads: 1))
    }

    // A completion that is called twice would trap in the continuation.
    private func outcome(of query: RefundQuery, from http: any HTTPTransport) async -> QueryOutcome {
        await withCheckedContinuation { continuation in
            client(http).query(query, at: Self.now) { attempt in
                guard case .completed(let outcome, _) = attempt else { return }
                continuation.resume(returning: outcome)
            }
        }
    }

    @Test func verifiedAnswerIsReported() async throws {
        let answer = Array(try SignedAnswer.text(data: Self.success).utf8)
        let http = ScriptedHTTP(.success(.init(status: 200, body: answer)))
        let evidence = Evidence(code: "0", psn: "P-1", response: answer)
        #expect(await outcome(of: try query(), from: http) == .report(GatewayReport(.settled), evidence))
    }

    @Test func requestIsSignedAndBounded() async throws {
        let http = ScriptedHTTP(.failure(.timeout(.awaitingResponse)))
        _ = await outcome(of: try query(order: "TEST_REFUND_1735873100708"), from: http)
        let request = try #require(http.requests.first)
        #expect(http.requests.count == 1)
        #expect(request.url == Self.url)
        #expect(
            request.headers.map { "\($0.name): \($0.value)" } == [
                "Content-Type: application/json", "Accept: application/json", "Accept-Encoding: identity",
            ]
        )
        #expect(request.timeout == .seconds(7))
        #expect(request.responseLimit == .refuseAbove(262_144))
        #expect(request.caFile == "/etc/ca.pem")
        let vector = try #require(SigningVectors.requests.first { $0.name == "generated-app-key-refund-query" })
        #expect(try JSONObject(parsing: request.body)["sign"] == .string(vector.signature))
    }

    @Test(arguments: [199, 201, 204, 301, 302, 400, 401, 403, 404, 428, 500, 502, 503, 504, 0, -1])
    func anyStatusBut200IsNoAnswer(status: Int) async throws {
        let signed = Array(try SignedAnswer.text(data: Self.success).utf8)
        let http = ScriptedHTTP(.success(.init(status: status, body: signed)))
        let outcome = await outcome(of: try query(), from: http)
        #expect(outcome.kind == "unreachable")
        #expect(outcome.problem?.hasPrefix("the gateway answered HTTP \(status) instead of 200: ") == true)
    }

    @Test(
        arguments: [
            (429, nil, "HTTP 429: too many queries", nil), (429, "soon", "HTTP 429: too many queries", nil),
            (429, "120", "HTTP 429 and asks to wait for 2m", 120), (429, "0", "HTTP 429 and asks to wait for 0ms", 0),
            (503, "30", "HTTP 503 and asks to wait for 30s", 30),
            // A date is reckoned from when the answer came, a second after the query.
            (503, "Fri, 03 Jan 2025 02:58:25 GMT", "HTTP 503 and asks to wait for 3292ms", 3.292),
            (429, "Fri, 03 Jan 2020 02:58:25 GMT", "HTTP 429 and asks to wait for 0ms", 0),
        ] as [(Int, String?, String, Double?)]
    )
    func gatewayThatAsksToBeAskedLessSlowsDown(
        status: Int,
        retryAfter: String?,
        words: String,
        seconds: Double?
    ) async throws {
        let headers = retryAfter.map { ["Retry-After: \($0)"] } ?? []
        let http = ScriptedHTTP(.success(.init(status: status, headers: headers, duration: .seconds(1))))
        let wait = seconds.map { Duration.milliseconds(Int64($0 * 1_000)) }
        let expected = QueryOutcome.slowedDown(reason: "the gateway answered \(words)", retryAfter: wait)
        #expect(await outcome(of: try query(), from: http) == expected)
    }

    @Test func unavailabilityWithoutATimeIsAFaultLikeAnyOther() async throws {
        for headers in [[], ["Retry-After: tomorrow"], ["Retry-After: "]] {
            let http = ScriptedHTTP(.success(.init(status: 503, headers: headers)))
            #expect(await outcome(of: try query(), from: http).kind == "unreachable")
        }
    }

    @Test func htmlPageIsNoAnswer() async throws {
        let http = ScriptedHTTP(.success(.init(status: 200, body: Array("<html></html>".utf8))))
        #expect(await outcome(of: try query(), from: http).kind == "unreachable")
    }

    @Test(arguments: [
        HTTPError.connect, .timeout(.connecting), .tooLarge(limit: GatewayAnswer.maximumLength),
        .certificate("self-signed"),
        .other(code: 99, text: String(repeating: "x", count: 5_000)),
    ])
    func transportFaultIsNoAnswerAndNamesTheServer(error: HTTPError) async throws {
        let outcome = await outcome(of: try query(), from: ScriptedHTTP(.failure(error)))
        #expect(outcome.kind == "unreachable")
        let problem = try #require(outcome.problem)
        #expect("\(HTTPURL.endpoint(of: Self.url)): \(error)".hasPrefix(problem.prefix(300)))
        #expect(problem.count <= 301)
    }

    @Test(arguments: [HTTPError.timeout(.receivingBody), .connectionLost, .tooLarge(limit: 262_144)])
    func brokenBodyOfASignedVerdictIsNoVerdict(error: HTTPError) async throws {
        let signed = Array(try SignedAnswer.text(data: Self.success).utf8)
        let http = ScriptedHTTP(.success(.init(status: 200, body: signed, bodyEnd: .broken(error))))
        #expect(await outcome(of: try query(), from: http) == .unreachable(reason: error.description))
    }

    @Test func retryAfterCountsEvenIfTheBodyIsBroken() async throws {
        let answer = ScriptedHTTP.Answer(
            status: 503,
            headers: ["Retry-After: 30"],
            bodyEnd: .broken(.timeout(.receivingBody))
        )
        let outcome = await outcome(of: try query(), from: ScriptedHTTP(.success(answer)))
        #expect(outcome.kind == "slowed_down")
    }

    @Test func interruptedQueryHasNoOutcome() async throws {
        let signed = Array(try SignedAnswer.text(data: Self.success).utf8)
        for http in [
            ScriptedHTTP(.failure(.interrupted)),
            ScriptedHTTP(.success(.init(status: 200, body: signed, bodyEnd: .broken(.interrupted)))),
        ] {
            let query = try query()
            let attempt = await withCheckedContinuation { continuation in
                client(http).query(query, at: Self.now) { continuation.resume(returning: $0) }
            }
            #expect(attempt == .interrupted)
        }
    }

    @Test func probeOpensANewConnection() async throws {
        let http = ScriptedHTTP(.failure(.connect))
        let query = try query()
        for isProbe in [true, false] {
            await withCheckedContinuation { continuation in
                client(http).query(query, at: Self.now, isProbe: isProbe) { _ in continuation.resume() }
            }
        }
        #expect(http.requests.map(\.connection) == [.fresh, .any])
    }

    @Test func answersGoToTheirOwnQueries() async throws {
        let http = EchoingHTTP()
        let client = client(http)
        await withTaskGroup { group in
            for number in 0..<50 {
                group.addTask {
                    let order = "R-\(number)"
                    guard let query = try? query(order: order) else { return }
                    let outcome = await withCheckedContinuation { continuation in
                        client.query(query, at: Self.now) { attempt in
                            guard case .completed(let outcome, _) = attempt else { return }
                            continuation.resume(returning: outcome)
                        }
                    }
                    #expect(outcome.report?.transaction.origTransNo == order)
                }
            }
        }
    }
}

/// Answers every request alike and keeps what was asked.
private final class ScriptedHTTP: HTTPTransport {
    private let result: Result<Answer, HTTPError>
    private let received = Mutex<[HTTPRequest]>([])

    struct Answer: Sendable {
        let status: Int
        var headers: [String] = []
        var body: [UInt8] = []
        var bodyEnd = HTTPResponse.BodyEnd.complete
        var duration: Duration = .zero
    }

    init(_ result: Result<Answer, HTTPError>) {
        self.result = result
    }

    var requests: [HTTPRequest] { received.withLock { $0 } }

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        received.withLock { $0.append(request) }
        completion(
            result.map { answer in
                var head = ResponseHead()
                for line in ["HTTP/1.1 \(answer.status) X"] + answer.headers { head.add(line.utf8) }
                return HTTPResponse(
                    status: answer.status,
                    head: head,
                    body: answer.body,
                    bodyEnd: answer.bodyEnd,
                    duration: answer.duration
                )
            }
        )
    }
}

/// Answers that the order it is asked for is refunded.
private final class EchoingHTTP: HTTPTransport {
    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        guard case .string(let order) = (try? JSONObject(parsing: request.body))?["merchant_order_no"],
            let answer = try? SignedAnswer.text(
                data: #"{"merchant_order_no":"\#(order)","orig_trans_no":"\#(order)","trans_status":2}"#
            )
        else { return completion(.failure(.connectionLost)) }
        completion(.success(HTTPResponse(status: 200, body: Array(answer.utf8))))
    }
}
