import Dispatch
import Glibc
import Synchronization
import Testing

@testable import RefundAdmin

@Suite(.timeLimit(.minutes(2)))
struct AdminServerTests {
    /// Runs a server until `body` returns, and fails unless it ends when it is cancelled.
    private func withServer(
        reasons: [String] = [],
        connectionLimit: Duration? = nil,
        metrics: @escaping @Sendable () -> String = { "up 1\n" },
        _ body: (AdminClient) async throws -> Void
    ) async throws {
        var server = AdminServer(
            host: "127.0.0.1",
            port: 0,
            readiness: { reasons },
            metrics: metrics
        )
        if let connectionLimit { server.connectionLimit = connectionLimit }
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { [server] group in
            group.addTask {
                defer { continuation.finish() }
                try await server.run { continuation.yield($0) }
            }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            try await body(AdminClient(port: port))
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func theProcessIsHealthyWhileItLives() async throws {
        try await withServer(reasons: ["not yet"]) { client in
            let answer = await client.get("/healthz")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.body == "ok\n")
            #expect(answer.headers.contains("content-type: text/plain; charset=utf-8"))
        }
    }

    @Test func readinessIsNoReasonAgainstIt() async throws {
        try await withServer { client in
            let answer = await client.get("/readyz")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.body == "{\"ready\":true,\"reasons\":[]}\n")
            #expect(answer.headers.contains("content-type: application/json"))
        }
    }

    @Test func reasonsAgainstReadinessAreListed() async throws {
        try await withServer(reasons: ["the \"database\" is locked", "a\nb"]) { client in
            let answer = await client.get("/readyz")
            #expect(answer.statusLine == "HTTP/1.1 503 Service Unavailable")
            #expect(answer.body == #"{"ready":false,"reasons":["the \"database\" is locked","a\nb"]}"# + "\n")
        }
    }

    @Test func metricsAreCollectedAtEachRequest() async throws {
        let scrapes = Mutex(0)
        let collect: @Sendable () -> String = {
            scrapes.withLock { count in
                count += 1
                return "scrapes \(count)\n"
            }
        }
        try await withServer(metrics: collect) { client in
            let answer = await client.get("/metrics?verbose=1")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.headers.contains("content-type: text/plain; version=0.0.4; charset=utf-8"))
            #expect(answer.headers.contains("content-length: 10"))
            #expect(answer.body == "scrapes 1\n")
            #expect(await client.get("/metrics").body == "scrapes 2\n")
        }
    }

    @Test(arguments: [
        "/", "/metrics/", "//metrics", "/healthz/x", "/%6detrics", "/..%2fmetrics", "*", "/m%00", "/?a=b&c#d",
    ])
    func otherPathsAreNotFound(path: String) async throws {
        try await withServer { client in
            #expect(await client.get(path).statusLine == "HTTP/1.1 404 Not Found")
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
    func otherMethodsAreNotFound(method: String) async throws {
        try await withServer { client in
            #expect(await client.get("/healthz", method: method).statusLine == "HTTP/1.1 404 Not Found")
        }
    }

    @Test func headIsAnsweredWithoutABody() async throws {
        try await withServer { client in
            let answer = await client.get("/healthz", method: "HEAD")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.headers.contains("content-length: 3"))
            #expect(answer.body == "")
        }
    }

    enum BadRequest: CaseIterable {
        case binary, futureVersion, rawPath, longHeader, manyHeaders, longPath, twoLengths

        var bytes: String {
            let long = String(repeating: "x", count: 100_000)
            return switch self {
            case .binary: "\u{0}\u{1}\u{2}\r\n\r\n"
            case .futureVersion: "GET /healthz HTTP/9.9\r\n\r\n"
            case .rawPath: "GET /\u{e9} HTTP/1.1\r\n\r\n"
            case .longHeader: "GET /healthz HTTP/1.1\r\nX: \(long)\r\n\r\n"
            case .manyHeaders: "GET /healthz HTTP/1.1\r\n\((0..<500).map { "X-\($0): y\r\n" }.joined())\r\n"
            case .longPath: "GET /\(long) HTTP/1.1\r\nConnection: close\r\n\r\n"
            case .twoLengths: "POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nzz"
            }
        }
    }

    @Test(arguments: BadRequest.allCases)
    func badRequestsEndTheirConnectionAndNothingElse(request: BadRequest) async throws {
        try await withServer { client in
            let answer = await client.exchange(request.bytes)
            #expect(!answer.statusLine.contains("200"))
            #expect(!answer.text.hasSuffix("[no end]"))
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test(arguments: [
        "",
        "GET /heal",
        "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nslowly",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ])
    func aClientThatHoldsItsConnectionLosesIt(request: String) async throws {
        try await withServer(connectionLimit: .seconds(1)) { client in
            let answer = await client.exchange(request)
            #expect(!answer.text.hasSuffix("[no end]"))
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test func aClientThatDoesNotReadCannotKeepTheServerFromEnding() async throws {
        let large: @Sendable () -> String = { String(repeating: "x", count: 30_000_000) }
        try await withServer(connectionLimit: .milliseconds(500), metrics: large) { client in
            let descriptor = client.sendWithoutReading("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            defer { close(descriptor) }
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test func collectingMayBlockWithoutHoldingUpAnythingElse() async throws {
        let gate = DispatchSemaphore(value: 0)
        let blocking: @Sendable () -> String = {
            gate.wait()
            return "up 1\n"
        }
        // More scrapes than this machine has shared threads: each would take one away if it ran there.
        let scrapes = 2 + Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        try await withServer(metrics: blocking) { client in
            await withTaskGroup(of: String.self) { group in
                for _ in 0..<scrapes { group.addTask { await client.get("/metrics").body } }
                for _ in 0..<3 { #expect(await client.get("/healthz").body == "ok\n") }
                for _ in 0..<scrapes { gate.signal() }
                for await body in group { #expect(body == "up 1\n") }
            }
        }
    }

    @Test func aPortInUseNamesTheKeyToChange() async throws {
        try await withServer { client in
            let second = AdminServer(
                host: "127.0.0.1",
                port: client.port,
                readiness: { [] },
                metrics: { "" }
            )
            let error = await #expect(throws: AdminError.self) {
                try await second.run { _ in Issue.record("listens twice") }
            }
            #expect(error == .addressInUse("127.0.0.1:\(client.port)"))
            #expect(error?.description.contains("[admin] listen") == true)
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test func anAddressOfAnotherMachineIsRefused() async {
        // Source of the address: RFC 5737, for documentation only.
        let server = AdminServer(
            host: "192.0.2.1",
            port: 0,
            readiness: { [] },
            metrics: { "" }
        )
        let error = await #expect(throws: AdminError.self) { try await server.run { _ in } }
        #expect(
            error?.description
                == "cannot listen on 192.0.2.1:0: this machine has no such address; change [admin] listen"
        )
    }

    @Test func theSamePortCanBeListenedOnAgainAtOnce() async throws {
        let ports = Mutex<[Int]>([])
        try await withServer { client in
            _ = await client.get("/healthz")
            ports.withLock { $0.append(client.port) }
        }
        let port = try #require(ports.withLock { $0.first })
        let server = AdminServer(
            host: "127.0.0.1",
            port: port,
            readiness: { [] },
            metrics: { "" }
        )
        let (listening, continuation) = AsyncStream<Int>.makeStream()
        let run = Task {
            defer { continuation.finish() }
            try await server.run { continuation.yield($0) }
        }
        var iterator = listening.makeAsyncIterator()
        #expect(await iterator.next() == port)
        run.cancel()
        try await run.value
    }
}
