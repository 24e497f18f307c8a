import Dispatch
import Glibc
import RefundCore
import Synchronization
import Testing

@testable import RefundAdmin

@Suite(.timeLimit(.minutes(2)))
struct AdminServerTests {
    /// Runs a server while `body` runs, and fails unless it ends when it is cancelled.
    private func withServer(
        names: [String] = [],
        problems: [ReadinessProblem] = [],
        limits: AdminLimits = AdminLimits(),
        metrics: @escaping @Sendable () -> String = { "up 1\n" },
        pages: @escaping @Sendable (AdminPageRequest) -> AdminPage = { _ in .notFound },
        _ body: (AdminClient) async throws -> Void
    ) async throws {
        var server = AdminServer(
            try #require(ListenAddress("127.0.0.1:0")),
            names: { names },
            readiness: { problems },
            metrics: metrics,
            pages: pages
        )
        server.limits = limits
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

    @Test func processIsHealthyEvenIfItIsNotReady() async throws {
        try await withServer(problems: [.schedulerStalled]) { client in
            let answer = await client.get("/healthz")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.body == "ok\n")
            #expect(answer.headers.contains("content-type: text/plain; charset=utf-8"))
        }
    }

    @Test func pagesAreServedUnderAStrictPolicy() async throws {
        let pages: @Sendable (AdminPageRequest) -> AdminPage = { request in
            switch request {
            case .overview(let refreshes): .html("overview \(refreshes)")
            case .refund(7): .html("refund 7")
            case .refund: .notFound
            case .search("R 1/é"): .refund(7)
            case .search: .unavailable
            }
        }
        try await withServer(pages: pages) { client in
            let front = await client.get("/")
            #expect(front.body == "overview true")
            let policy =
                "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            for header in [
                "content-type: text/html; charset=utf-8", "content-security-policy: \(policy)",
                "cache-control: no-store",
                "referrer-policy: no-referrer", "x-content-type-options: nosniff",
                "cross-origin-resource-policy: same-origin",
            ] {
                #expect(front.headers.contains(header))
            }
            #expect(await client.get("/?refresh=off").body == "overview false")
            #expect(await client.get("/refunds/7").body == "refund 7")
            #expect(await client.get("/refunds/8").statusLine == "HTTP/1.1 404 Not Found")
            let found = await client.get("/search?x=1&q=R+1%2F%C3%A9")
            #expect(found.statusLine == "HTTP/1.1 303 See Other")
            #expect(found.headers.contains("location: /refunds/7"))
            let unavailable = await client.get("/search?q=%zz%")
            #expect(unavailable.statusLine == "HTTP/1.1 503 Service Unavailable")
            #expect(unavailable.body.contains("the database cannot be read"))
            #expect(await client.get("/style.css").headers.contains("content-type: text/css; charset=utf-8"))
            #expect(await client.get("/", method: "POST").statusLine == "HTTP/1.1 405 Method Not Allowed")
            for path in [
                "/refunds/", "/refunds/x", "/refunds/07", "/refunds/7/", "/refunds/99999999999999999999", "//",
            ] {
                #expect(await client.get(path).statusLine == "HTTP/1.1 404 Not Found", "\(path)")
            }
        }
    }

    @Test func answerThatNobodyWaitsForAnyMoreIsNotComputed() async throws {
        var limits = AdminLimits()
        limits.response = .milliseconds(50)
        let database = DispatchSemaphore(value: 0)
        let computed = Mutex(0)
        try await withServer(limits: limits) {
            computed.withLock { $0 += 1 }
            database.wait()
            return "up 1\n"
        } _: { client in
            for _ in 1...5 { #expect(await client.get("/metrics").statusLine.isEmpty, "the database hangs") }
            for _ in 1...1_000 { database.signal() }
            var requests = 1
            while await client.get("/metrics").statusLine.isEmpty { requests += 1 }
            #expect(computed.withLock { $0 } <= 1 + requests)
        }
    }

    @Test func unixSocketIsServedAndLeftBehindOnesAreReplaced() async throws {
        let path = "/tmp/refundd-admin-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
        let server = AdminServer(try #require(ListenAddress("unix:\(path)")), readiness: { [] }, metrics: { "" })
        // A daemon that was killed left its socket there.
        close(try AdminSocket.listen(path))
        let (listening, continuation) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { continuation.finish() }
                try await server.run { continuation.yield($0) }
            }
            var iterator = listening.makeAsyncIterator()
            #expect(await iterator.next() == 0)
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o660)
            #expect(throws: AdminError.addressInUse("unix:\(path)")) { try AdminSocket.listen(path) }
            group.cancelAll()
            try await group.waitForAll()
            #expect(unsafe stat(path, &status) != 0, "the socket is gone")
        }
    }

    @Test func fileThatIsNoSocketIsNeverReplaced() throws {
        let path = "/tmp/refundd-admin-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        close(unsafe open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        defer { unsafe unlink(path) }
        #expect(throws: AdminError.addressInUse("unix:\(path)")) { try AdminSocket.listen(path) }
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
    }

    @Test func daemonWithoutProblemsIsReady() async throws {
        try await withServer { client in
            let answer = await client.get("/readyz")
            #expect(answer.statusLine == "HTTP/1.1 200 OK")
            #expect(answer.body == "{\"ready\":true,\"reasons\":[]}\n")
            #expect(answer.headers.contains("content-type: application/json"))
        }
    }

    @Test func problemsAreListedAndRevealNothing() async throws {
        try await withServer(problems: [.schedulerStalled, .databaseWriteFailed]) { client in
            let answer = await client.get("/readyz")
            #expect(answer.statusLine == "HTTP/1.1 503 Service Unavailable")
            let reasons = #""the scheduler makes no progress","the database cannot be written""#
            #expect(answer.body == "{\"ready\":false,\"reasons\":[\(reasons)]}\n")
        }
        for problem in ReadinessProblem.allCases {
            #expect(problem.rawValue.allSatisfy { $0.isLetter || $0 == " " }, "no path, number or name")
        }
    }

    @Test func metricsAreRenderedAtEachRequest() async throws {
        let scrapes = Mutex(0)
        let render: @Sendable () -> String = {
            scrapes.withLock { count in
                count += 1
                return "scrapes \(count)\n"
            }
        }
        try await withServer(metrics: render) { client in
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
        "http://localhost/healthz",
    ])
    func unknownPathsAreNotFound(path: String) async throws {
        try await withServer { client in
            #expect(await client.get(path).statusLine == "HTTP/1.1 404 Not Found")
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X-OWN"])
    func otherMethodsAreNotAllowed(method: String) async throws {
        try await withServer { client in
            let answer = await client.get("/healthz", method: method)
            #expect(answer.statusLine == "HTTP/1.1 405 Method Not Allowed")
            #expect(answer.headers.contains("allow: get, head"))
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

    @Test(arguments: [("evil.example", 421), ("Admin.Internal", 200), ("localhost", 200), ("192.0.2.7:9464", 200)])
    func onlyKnownHostsAreServed(host: String, status: Int) async throws {
        try await withServer(names: ["admin.internal"]) { client in
            let answer = await client.exchange("GET /metrics HTTP/1.1\r\nHost: \(host)\r\n\r\n")
            #expect(answer.statusLine.contains(" \(status) "))
            #expect(answer.body.contains("up 1") == (status == 200))
        }
    }

    enum BadRequest: CaseIterable {
        case binary, futureVersion, rawPath, longHeader, manyHeaders, longPath, noHost, twoHosts, foldedHeader

        var bytes: String {
            let long = String(repeating: "x", count: 100_000)
            return switch self {
            case .binary: "\u{0}\u{1}\u{2}\r\n\r\n"
            case .futureVersion: "GET /healthz HTTP/9.9\r\n\r\n"
            case .rawPath: "GET /\u{e9} HTTP/1.1\r\n\r\n"
            case .longHeader: "GET /healthz HTTP/1.1\r\nX: \(long)\r\n\r\n"
            case .manyHeaders: "GET /healthz HTTP/1.1\r\n\((0..<5_000).map { "X-\($0): y\r\n" }.joined())\r\n"
            case .longPath: "GET /\(long) HTTP/1.1\r\nConnection: close\r\n\r\n"
            case .noHost: "GET /healthz HTTP/1.1\r\n\r\n"
            case .twoHosts: "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"
            case .foldedHeader: "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n"
            }
        }

        var status: Int {
            switch self {
            case .futureVersion: 505
            case .longHeader, .manyHeaders: 431
            case .longPath: 414
            default: 400
            }
        }
    }

    @Test(arguments: BadRequest.allCases)
    func badRequestIsRejectedAndItsConnectionClosed(request: BadRequest) async throws {
        try await withServer { client in
            let answer = await client.exchange(request.bytes)
            #expect(answer.statusLine.contains(" \(request.status) "), "\(answer.statusLine)")
            #expect(!answer.text.hasSuffix("[no end]"))
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test func connectionIsClosedAfterTheResponse() async throws {
        // Nothing but the end of the response closes it within the test's patience.
        let limits = AdminLimits(request: .seconds(600), response: .seconds(600), farewell: .seconds(600))
        try await withServer(limits: limits) { client in
            let answer = await client.exchange("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(answer.headers.contains("connection: close"))
            #expect(answer.body == "ok\n")
        }
    }

    @Test func responseSurvivesABodyThatTheServerDoesNotWant() async throws {
        try await withServer { client in
            let body = String(repeating: "x", count: 200_000)
            let head = "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            let answer = await client.exchange(head + body)
            #expect(answer.statusLine == "HTTP/1.1 405 Method Not Allowed")
        }
    }

    @Test func halfOpenConnectionsDoNotKeepOthersOut() async throws {
        // No deadline helps: the half-open connections must make room.
        try await withServer(limits: AdminLimits(request: .seconds(600))) { client in
            let idle = (0..<200).map { client.sendWithoutReading($0.isMultiple(of: 2) ? "" : "GET /heal") }
            defer { for descriptor in idle { close(descriptor) } }
            for _ in 0..<3 { #expect(await client.get("/healthz").body == "ok\n") }
        }
    }

    @Test(arguments: ["", "GET /heal", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"])
    func clientThatDoesNotSendItsRequestIsDisconnected(request: String) async throws {
        try await withServer(limits: AdminLimits(request: .milliseconds(200))) { client in
            let answer = await client.exchange(request)
            #expect(answer.text == "")
        }
    }

    @Test func clientsThatDoNotReadKeepNeitherOthersOutNorTheServerFromEnding() async throws {
        let large: @Sendable () -> String = { String(repeating: "x", count: 30_000_000) }
        let limits = AdminLimits(connections: 2, response: .seconds(600))
        try await withServer(limits: limits, metrics: large) { client in
            let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let descriptors = (0..<3).map { _ in client.sendWithoutReading(request) }
            defer { for descriptor in descriptors { close(descriptor) } }
            #expect(await client.get("/healthz").body == "ok\n")
        }
    }

    @Test func renderingMayBlockWithoutHoldingUpAnythingElse() async throws {
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

    @Test func portInUseNamesTheKeyToChange() async throws {
        try await withServer { client in
            let second = AdminServer(
                try #require(ListenAddress("127.0.0.1:\(client.port)")),
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

    @Test func addressOfAnotherMachineIsRefused() async throws {
        // An address for documentation only (RFC 5737).
        let server = AdminServer(try #require(ListenAddress("192.0.2.1:0")), readiness: { [] }, metrics: { "" })
        let error = await #expect(throws: AdminError.self) { try await server.run { _ in } }
        #expect(error == .cannotListen("192.0.2.1:0", reason: "this machine has no such address"))
    }

    @Test func ipv6IsServedToo() async throws {
        let server = AdminServer(try #require(ListenAddress("[::1]:0")), readiness: { [] }, metrics: { "" })
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let run = Task { try await server.run { continuation.yield($0) } }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        #expect(port > 0)
        run.cancel()
        try await run.value
    }

    @Test func portCanBeListenedOnAgainAtOnce() async throws {
        let ports = Mutex<[Int]>([])
        try await withServer { client in
            _ = await client.get("/healthz")
            ports.withLock { $0.append(client.port) }
        }
        let port = try #require(ports.withLock { $0.first })
        let server = AdminServer(try #require(ListenAddress("127.0.0.1:\(port)")), readiness: { [] }, metrics: { "" })
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
