import Testing

/// `refundd query`: through the running daemon, otherwise directly under its lock.
struct QueryCommandTests {
    private static let slow = "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"1500ms\""

    /// A workspace whose daemon queries a refund once and not again during a test.
    private func withPatientDaemon(
        scenarios: String? = nil,
        _ body: (Workspace) async throws -> Void
    ) async throws {
        try await withWorkspace(on: .every) { w in
            try w.configure("polling", ["initial_interval": "\"30m\"", "max_interval": "\"30m\""])
            try await w.startEverything(scenarios: scenarios)
            try await body(w)
        }
    }

    private func withoutDaemon(scenarios: String? = nil, _ body: (Workspace) async throws -> Void) async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startSimulator(scenarios: scenarios)
            try await w.initDatabase()
            try await body(w)
        }
    }

    // MARK: - Through the daemon

    @Test(.endToEnd) func daemonQueriesAtOnceAndTheCommandPrintsTheResult() async throws {
        try await withPatientDaemon { w in
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "processing")
            let second = try await w.ada("query", "OK3-1")
            #expect(second.exitCode == 0, "\(second.errors)")
            #expect(second.output.contains("OK3-1 is processing"))
            let third = try await w.ada("query", "OK3-1")
            #expect(third.exitCode == 0)
            #expect(third.output.contains("OK3-1 is settled"))
            #expect(third.output.contains("1200 JPY"))
            #expect(try await w.refund("OK3-1")["attempts"].integer == 3)
            #expect(try await w.ledger("OK3-1") == ["pending>processing", "processing>settled"])
            let actions = try await w.sql("SELECT actor, action FROM refund_actions")
            #expect(actions.map { $0["action"].text } == ["query", "query"])
            #expect(actions[0]["actor"].text == (try await w.operatorName()))
            #expect(try await w.refundd("show", "OK3-1").output.contains("query by"))
            #expect(try await w.sql("SELECT 1 FROM refund_hints").isEmpty, "nothing asks for a third query")
            // The verdict is the gateway's, whoever asked for the query.
            #expect(try await w.sql("SELECT 1 FROM refund_transitions WHERE actor <> 'refundd'").isEmpty)
        }
    }

    @Test(.endToEnd) func finalRefundIsNotQueried() async throws {
        try await withPatientDaemon { w in
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            let at = try await w.sql("SELECT at FROM refund_transitions")[0]["at"].integer ?? 0
            let query = try await w.refundd("query", "OK-1")
            #expect(query.exitCode == 1)
            #expect(query.errors.contains("settled"))
            #expect(query.errors.contains(".\(String(1_000 + at % 1_000).dropFirst())Z"), "since when: \(query.errors)")
            #expect(try w.asked("OK-1").count == 1)
            #expect(try await w.sql("SELECT 1 FROM refund_actions").isEmpty)
        }
    }

    @Test(.endToEnd) func verifiedAnswerWithoutTheOrderIsAnAnswer() async throws {
        try await withPatientDaemon { w in
            try await w.enqueue("UNKNOWN-1")
            try await w.refund("UNKNOWN-1") { $0["attempts"].integer == 1 }
            let query = try await w.refundd("query", "UNKNOWN-1")
            #expect(query.exitCode == 0)
            #expect(query.output.contains("no such order"))
        }
    }

    @Test(.endToEnd, arguments: ["BADSIGN-1", "HTTP503-1"])
    func answerThatDoesNotVerifyIsNone(order: String) async throws {
        try await withPatientDaemon { w in
            try await w.enqueue(order)
            try await w.refund(order) { $0["last_error"] != .null }
            let query = try await w.refundd("query", order)
            #expect(query.exitCode == 69)
            #expect(query.errors.contains(order))
            #expect(query.output.isEmpty)
        }
    }

    @Test(.endToEnd) func unreachableGatewayIsReported() async throws {
        try await withPatientDaemon { w in
            try await w.enqueue("NEVER-1")
            try await w.refund("NEVER-1", is: "processing")
            w.stopSimulator()
            let query = try await w.refundd("query", "NEVER-1")
            #expect(query.exitCode == 69, "\(query.output)")
            #expect(try await w.refund("NEVER-1")["state"].text == "processing")
        }
    }

    @Test(.endToEnd) func gatewayIncidentIsReportedAndNoRowChanges() async throws {
        try await withPatientDaemon(scenarios: "[prefixes.\"CLOSED-\"]\nfault = \"not_authorised\"") { w in
            try await w.enqueue("CLOSED-1")
            try await eventually("the incident") { try await !w.sql("SELECT 1 FROM refund_incidents").isEmpty }
            let query = try await w.refundd("query", "CLOSED-1")
            #expect(query.exitCode == 69)
            #expect(query.errors.contains("E07303"))
            #expect(try await w.refund("CLOSED-1")["attempts"].integer == 0)
        }
    }

    @Test(.endToEnd) func refundThatIsAbandonedDuringTheQueryIsReported() async throws {
        try await withPatientDaemon(scenarios: "[prefixes.\"HANG-\"]\nfault = \"hang\"") { w in
            try await w.enqueue("HANG-1")
            try await eventually("HANG-1 in flight") { try await w.queriesInSimulator()["HANG-1"] == 1 }
            let query = try w.begin("query", "HANG-1")
            try await eventually("the request") { try await !w.sql("SELECT 1 FROM refund_actions").isEmpty }
            #expect(try await w.refundd("abandon", "HANG-1", "--reason", "entered twice").exitCode == 0)
            #expect(try await query.exitCode() == 1)
            #expect(query.errors.contains("abandoned"))
        }
    }

    // MARK: - Without a daemon

    @Test(.endToEnd) func withoutADaemonTheCommandQueriesThisRefundOnly() async throws {
        try await withoutDaemon { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            for order in ["OK-1", "OK-2", "NEVER-1"] { try await w.enqueue(order) }
            let settled = try await w.ada("query", "OK-1")
            #expect(settled.exitCode == 0, "\(settled.errors)")
            #expect(settled.output.contains("OK-1 is settled"))
            #expect(try await w.ada("query", "NEVER-1").output.contains("next query held back: refundd is not running"))
            let row = try await w.refund("NEVER-1")
            #expect(row["attempts"].integer == 1)
            #expect((row["next_query_at"].integer ?? 0) > (row["last_query_at"].integer ?? .max), "it backs off")
            #expect(try await w.ledger("OK-1") == ["pending>settled"])
            let answers = try await w.sql("SELECT \(w.hex("response")) AS answer, actor FROM refund_transitions")
            let key = w.path("gateway_public_key")
            #expect(try Evidence(hexadecimal: answers[0]["answer"].text ?? "", publicKey: key).isSigned)
            #expect(answers[0]["actor"].text == "refundd", "the gateway's verdict, whoever asked for the query")
            #expect(try w.asked("OK-2").isEmpty)
            #expect(try await w.refund("OK-2")["attempts"].integer == 0)
            #expect(try receiver.requests().isEmpty)
            #expect(try await w.sql("SELECT 1 FROM refund_hints").isEmpty, "the next daemon has no reason to ask again")
            for table in ["refund_queue", "refund_outbox"] {
                #expect(try await w.sql("SELECT id FROM \(table) WHERE leased_until IS NOT NULL").isEmpty, "no claim")
            }

            // The lock is free, and the daemon sends the webhook that the command only wrote.
            try await w.startDaemon()
            try await eventually("both webhooks") {
                Set(try receiver.requests().compactMap { $0.data["merchant_order_no"].text }) == ["OK-1", "OK-2"]
            }
            #expect(try w.asked("OK-1").count == 1)
        }
    }

    @Test(.endToEnd) func simultaneousQueriesAreBothAnswered() async throws {
        try await withoutDaemon(scenarios: Self.slow) { w in
            try await w.enqueue("SLOW-1")
            try await w.enqueue("SLOW-2")
            let first = try w.begin("query", "SLOW-1")
            let second = try w.begin("query", "SLOW-2")
            let third = try w.begin("query", "SLOW-1")
            #expect(try await second.exitCode() == 0)
            // The second query of a refund gets the answer, or finds the refund final.
            let both = [try await first.exitCode(), try await third.exitCode()]
            #expect(both.contains(0) && both.allSatisfy { $0 <= 1 }, "\(both)")
            for order in ["SLOW-1", "SLOW-2"] {
                #expect(try await w.refund(order)["state"].text == "settled")
                #expect(try await w.ledger(order) == ["pending>settled"])
                #expect(try w.asked(order).count == 1)
            }
        }
    }

    @Test(.endToEnd) func unreachableGatewayCountsAsAFailedQuery() async throws {
        try await withoutDaemon { w in
            try w.configureUnreachableGateway()
            try await w.enqueue("OK-1")
            let query = try await w.refundd("query", "OK-1")
            #expect(query.exitCode == 69)
            let row = try await w.refund("OK-1")
            #expect(row["state"].text == "pending")
            #expect(row["attempts"].integer == 1)
            #expect(row["last_error"] != .null)
        }
    }

    @Test(.endToEnd) func rateLimitedQueryIsReportedAndLeavesNoBreakerOpen() async throws {
        try await withoutDaemon { w in
            try await w.enqueue("HTTP429-1")
            let query = try await w.refundd("query", "HTTP429-1")
            #expect(query.exitCode == 69)
            #expect(query.errors.contains("429"), "\(query.errors)")
            #expect(try await w.sql("SELECT name FROM refund_breakers").isEmpty, "nobody would probe")
        }
    }

    @Test(.endToEnd) func refusedCredentialsMakeOneIncident() async throws {
        try await withoutDaemon(scenarios: "[prefixes.\"CLOSED-\"]\nfault = \"not_authorised\"") { w in
            try await w.enqueue("CLOSED-1")
            for _ in 1...2 {
                let query = try await w.refundd("query", "CLOSED-1")
                #expect(query.exitCode == 69)
                #expect(query.errors.contains("E07303"))
            }
            #expect(try w.asked("CLOSED-1").count == 2)
            #expect(try await w.refund("CLOSED-1")["attempts"].integer == 0)
            #expect(try await w.sql("SELECT type FROM refund_events").count == 1)
        }
    }

    @Test(.endToEnd) func refundOfAnUnknownGatewayIsAConfigurationProblem() async throws {
        try await withoutDaemon { w in
            try await w.enqueue("OK-1", ["gateway": "second"])
            let query = try await w.refundd("query", "OK-1")
            #expect(query.exitCode == 78)
            #expect(query.errors.contains("[gateways.second]"))
            #expect(try await w.refundd("query", "OK-9").exitCode == 66)
            #expect(try await w.sql("SELECT 1 FROM refund_actions").isEmpty)
        }
    }

    @Test(.endToEnd) func keysAreNeededOnlyWithoutADaemon() async throws {
        try await withPatientDaemon { w in
            try await w.enqueue("NEVER-1")
            try await w.refund("NEVER-1", is: "processing")
            try w.configure("gateway", ["private_key_file": "\"missing.pem\""])
            #expect(try await w.refundd("query", "NEVER-1").exitCode == 0)
            w.daemon?.kill()
            let query = try await w.refundd("query", "NEVER-1")
            #expect(query.exitCode == 78)
            #expect(query.errors.contains("missing.pem"))
        }
    }
}
