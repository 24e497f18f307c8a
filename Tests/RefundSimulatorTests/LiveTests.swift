import RefundCore
import Testing

@testable import RefundSimulator

@Suite(.timeLimit(.minutes(1)))
struct LiveTests {
    @Test(arguments: [false, true])
    func curlGetsSignedAnswers(usesTLS: Bool) async throws {
        try await RunningSimulator.run(usesTLS: usesTLS) { simulator in
            for (path, status) in [("/api/entry", "0"), ("/api/entry/", "2"), ("/api/entry/refundquery", "2")] {
                let result = try await simulator.curl(path, body: RunningSimulator.query("R-1"))
                #expect(result.exit == 0)
                #expect(result.status == "200")
                let answer = try TestAnswer(result.body)
                #expect(answer.isSigned)
                #expect(try answer.data()["trans_status"] == .number(status))
            }
            let list = try await simulator.curl("/simulator/refunds")
            let text = String(decoding: list.body, as: UTF8.self)
            #expect(text.contains("\"merchant_order_no\":\"R-1\",\"trans_no\":null,\"queries\":3"), "\(text)")
        }
    }

    @Test
    func certificateIsNotTrustedWithoutTheAuthority() async throws {
        try await RunningSimulator.run(usesTLS: true) { simulator in
            let result = try await simulator.curl(
                "/api/entry",
                options: ["--cacert", "/etc/ssl/certs/ca-certificates.crt"]
            )
            #expect(result.exit == 60 || result.exit == 77, "\(result)")
        }
    }

    @Test(
        arguments: [
            ("/", [], nil, "404"),
            ("/api", [], "application/json", "404"),
            ("/api/entry/a/b", [], "application/json", "404"),
            ("/simulator/refunds", [], "application/json", "404"),
            ("/api/entry", [], nil, "405"),
            ("/api/entry", ["-X", "PUT"], "application/json", "405"),
            ("/api/entry", [], "application/x-www-form-urlencoded", "415"),
            ("/api/entry", [], "application/jsonp", "415"),
            ("/api/entry/orderquery", [], "application/json; charset=utf-8", "200"),
        ] as [(String, [String], String?, String)]
    )
    func requestsThatAreNoQueriesAreTurnedAway(
        path: String,
        options: [String],
        contentType: String?,
        status: String
    ) async throws {
        try await RunningSimulator.run { simulator in
            let result = try await simulator.curl(
                path,
                body: contentType == nil ? nil : RunningSimulator.query("R-1"),
                contentType: contentType ?? "",
                options: options
            )
            #expect(result.status == status)
        }
    }

    @Test
    func bodyIsBounded() async throws {
        try await RunningSimulator.run { simulator in
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 65_537)
            let tooLarge = try await simulator.curl("/api/entry", body: body)
            #expect(tooLarge.status == "413")
            let largest = try await simulator.curl("/api/entry", body: Array(body.dropLast()))
            #expect(largest.status == "200")
        }
    }

    /// The exit statuses of curl: 18 is a partial file, 52 an empty reply, 56 a failure to receive, 28 a timeout.
    @Test(arguments: [
        (Fault.truncated, false, [18]), (.close, false, [52]), (.reset, false, [56]), (.hang, false, [28]),
        (.http503, false, [0]), (.huge, false, [0]), (.truncated, true, [18, 56]), (.close, true, [52, 56]),
        (.reset, true, [35, 56]),
    ])
    func faultReachesTheClient(fault: Fault, usesTLS: Bool, exits: [Int32]) async throws {
        try await RunningSimulator.run(
            usesTLS: usesTLS,
            { $0.scenarios.standard.fault = fault },
            { simulator in
                let options = fault == .hang ? ["--max-time", "1"] : []
                let query = try RunningSimulator.query("R-1")
                let result = try await simulator.curl("/api/entry", body: query, options: options)
                #expect(exits.contains(result.exit), "curl exited with \(result.exit)")
                if fault == .http503 { #expect(result.status == "503") }
                if fault == .huge { #expect(result.body.count > 10_000_000) }
            }
        )
    }

    @Test(
        arguments: [
            (Fault.http429, .seconds(30), "30"), (.http503, .seconds(90), "90"), (.http503, nil, nil),
            (.html, .seconds(30), nil),
        ] as [(Fault, Duration?, String?)]
    )
    func clientIsAskedToStayAway(fault: Fault, retryAfter: Duration?, header: String?) async throws {
        try await RunningSimulator.run(
            {
                $0.scenarios.standard.fault = fault
                $0.scenarios.standard.retryAfter = retryAfter
            },
            { simulator in
                let found = try await simulator.header("retry-after")
                #expect(found == header)
            }
        )
    }

    @Test(arguments: [(Duration.zero, "0"), (.seconds(1_200), "SYS002"), (.seconds(-1_200), "SYS002")])
    func clockThatIsOffShowsInTheDateAndRefusesOurs(skew: Duration, code: String) async throws {
        try await RunningSimulator.run(
            { $0.clockSkew = skew },
            { simulator in
                let text = try await simulator.header("date") ?? ""
                let date = try #require(RetryAfter.httpDate(text))
                let difference = date.duration(since: .now.advanced(by: skew))
                #expect((Duration.seconds(-10)...(.seconds(1))).contains(difference), "\(difference)")
                let answer = try await simulator.curl("/api/entry", body: RunningSimulator.query("OK-1"))
                #expect(try TestAnswer(answer.body).code == code)
            }
        )
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (946_684_799_999, "Fri, 31 Dec 1999 23:59:59 GMT"),
        (1_709_164_800_000, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_764_000_000_000, "Mon, 24 Nov 2025 16:00:00 GMT"),
    ])
    func dateIsWrittenAsHTTPHasIt(milliseconds: Int64, text: String) {
        #expect(Timestamp(milliseconds: milliseconds).httpDate == text)
    }

    @Test
    func answersAreHeldBack() async throws {
        try await RunningSimulator.run(
            { $0.latency = .milliseconds(300) },
            { simulator in
                let started = ContinuousClock.now
                _ = try await simulator.curl("/api/entry", body: RunningSimulator.query("R-1"))
                #expect(ContinuousClock.now - started >= .milliseconds(300))
            }
        )
    }

    @Test
    func everyRequestIsLogged() async throws {
        try await RunningSimulator.run { simulator in
            _ = try await simulator.curl("/elsewhere")
            _ = try await simulator.curl("/api/entry", body: RunningSimulator.query("OK-1"))
            _ = try await simulator.curl("/api/entry", body: TestQuery(.order("R-2")).unsigned())
            let lines = try simulator.directory.text("log").split(separator: "\n").map {
                try JSONObject(parsing: "\($0)")
            }
            #expect(lines.map { $0["path"] } == ["/elsewhere", "/api/entry", "/api/entry"].map { .string($0) })
            #expect(lines.map { $0["verdict"] } == ["refused", "answered", "refused"].map { .string($0) })
            #expect(lines.map { $0["http_status"] } == ["404", "200", "200"].map { .number($0) })
            #expect(lines.map { $0["code"] } == [.null, .string("0"), .string("SYS002")])
            #expect(lines.map { $0["trans_status"] } == [.null, .number("2"), .null])
            #expect(lines.map { $0["queries"] } == [.null, .number("1"), .null])
        }
    }

    @Test
    func stoppingDoesNotWaitForAQueryThatHangs() async throws {
        try await RunningSimulator.run(
            { $0.scenarios.standard.fault = .hang },
            { simulator in
                let query = try RunningSimulator.query("R-1")
                let hanging = Task { try await simulator.curl("/api/entry", body: query) }
                // The log tells when the query has arrived.
                while try simulator.directory.text("log").isEmpty { await Task.yield() }
                withExtendedLifetime(hanging) {}
            }
        )
    }

    @Test
    func portInUseIsAnError() async throws {
        try await RunningSimulator.run { simulator in
            let port = try #require(Int(simulator.url.split(separator: ":").last ?? ""))
            let error = await #expect(throws: SimulatorError.self) {
                try await RunningSimulator.run({ $0.port = port }, { _ in })
            }
            #expect(error?.description.contains("Address already in use") == true, "\(error?.description ?? "")")
        }
    }
}
