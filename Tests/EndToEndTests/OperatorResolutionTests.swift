import Testing

/// `refundd abandon` and `refundd resolve`.
struct OperatorResolutionTests {
    private static let mismatch = ["expected_amount": "1200", "expected_currency": "JPY"]

    @Test(.endToEnd) func lateAnswerDoesNotChangeAnAbandonedRefund() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything(scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"6s\"")
            try await w.enqueue("SLOW-1")
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            let abandoned = try await w.ada("abandon", "SLOW-1", "--reason", "entered twice")
            #expect(abandoned.exitCode == 0, "\(abandoned.errors)")
            #expect(abandoned.output.contains("SLOW-1"))
            #expect(try await w.refund("SLOW-1")["leased_until"] != .null, "the query is still in flight")

            let received = try await eventually("the webhook") { try receiver.requests().first }
            #expect(received.type == "refund.abandoned")
            #expect(received.isVerified)
            #expect(received.data["actor"].text == (try await w.operatorName()))
            #expect(received.data["reason"].text == "entered twice")
            let row = try await w.refund("SLOW-1") { $0["leased_until"] == .null }
            #expect(row["state"].text == "abandoned", "whatever the late answer reports")
            #expect(try await w.ledger("SLOW-1") == ["pending>abandoned"])
            #expect(try await w.events("SLOW-1") == ["refund.abandoned"])
            #expect(try w.asked("SLOW-1").count == 1)
            #expect(try await w.refundd("show", "SLOW-1").output.contains("entered twice"))
        }
    }

    @Test(.endToEnd) func abandonedRefundIsReportedByTheNextDaemon() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.enqueue("OK-1")
            #expect(try await w.ada("abandon", "OK-1", "--reason", "paid in cash").exitCode == 0)
            let row = try await w.sql("SELECT actor, reason, to_state FROM refund_transitions")[0]
            #expect(row["actor"].text == (try await w.operatorName()))
            #expect(row["reason"].text == "paid in cash")
            #expect(try await w.refund("OK-1")["next_query_at"] == .null)
            try await w.startDaemon()
            try await eventually("the webhook") { try receiver.requests().map(\.type) == ["refund.abandoned"] }
            #expect(try w.asked().isEmpty)
        }
    }

    @Test(.endToEnd, arguments: ["settled", "failed"])
    func resolvedMismatchIsReportedWithOperatorAndReason(verdict: String) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.enqueue("MISMATCH-1", Self.mismatch)
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }
            let resolved = try await w.ada("resolve", "MISMATCH-1", "--as", verdict, "--reason", "seen at the bank")
            #expect(resolved.exitCode == 0, "\(resolved.errors)")
            #expect(resolved.output.contains(verdict))

            let row = try await w.refund("MISMATCH-1")
            #expect(row["state"].text == verdict)
            #expect(row["attention"] == .null)
            #expect(row["failure_code"].text == (verdict == "failed" ? "resolved" : nil))
            #expect(try await w.ledger("MISMATCH-1").last == "processing>\(verdict)")
            let received = try await eventually("the webhook") {
                try receiver.requests().first { $0.type == "refund.\(verdict)" }
            }
            #expect(received.data["actor"].text == (try await w.operatorName()))
            #expect(received.data["reason"].text == "seen at the bank")
            #expect(received.data["attention"] == .null)
            #expect(received.data["failure"]["code"].text == (verdict == "failed" ? "resolved" : nil))
            #expect(received.data["failure"]["message"].text == (verdict == "failed" ? "seen at the bank" : nil))
            #expect(received.data["amount"].text == "999", "what the gateway reported stays")
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
        }
    }

    @Test(.endToEnd) func verdictThatDoesNotApplyFailsWithAReason() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.enqueue("NEVER-1")
            try await w.enqueue("R-1", ["merchant_no": "1"])
            try await w.enqueue("R-1", ["merchant_no": "2"])
            try await w.refund("OK-1", is: "settled")
            try await w.refund("NEVER-1", is: "processing")
            func refused(_ exitCode: Int32, _ word: String, _ arguments: [String]) async throws {
                let location = ["--config", w.configurationFile, "--reason", "why"]
                let finished = try await w.run(Programs.refundd, arguments + location)
                #expect(finished.exitCode == exitCode, "\(arguments): \(finished.errors)")
                #expect(finished.errors.contains(word), "\(arguments): \(finished.errors)")
                #expect(finished.output.isEmpty)
            }
            try await refused(1, "settled", ["abandon", "OK-1"])
            try await refused(1, "settled", ["resolve", "OK-1", "--as", "failed"])
            try await refused(1, "refundd keeps polling", ["resolve", "NEVER-1", "--as", "settled"])
            try await refused(66, "R-9", ["abandon", "R-9"])
            try await refused(66, "#99", ["resolve", "#99", "--as", "settled"])
            try await refused(64, "merchant", ["abandon", "R-1"])
            #expect(try await w.sql("SELECT 1 FROM refund_transitions WHERE actor <> 'refundd'").isEmpty)
            #expect(try await w.refund("NEVER-1")["state"].text == "processing")
        }
    }

    @Test(.endToEnd) func onlyOneOfTwoSimultaneousVerdictsCounts() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            for number in 1...5 {
                let order = "MISMATCH-\(number)"
                try await w.enqueue(order, Self.mismatch)
                try await w.refund(order) { $0["attention"].text == "mismatch" }
                let abandoned = try w.begin("abandon", order, "--reason", "one")
                let resolved = try w.begin("resolve", order, "--as", "settled", "--reason", "other")
                let exitCodes = [try await abandoned.exitCode(), try await resolved.exitCode()]
                #expect(exitCodes.sorted() == [0, 1])
                let state = exitCodes[0] == 0 ? "abandoned" : "settled"
                #expect(try await w.refund(order)["state"].text == state)
                #expect(try await w.ledger(order).suffix(1) == ["processing>\(state)"])
                #expect(try await w.ledger(order).count == 3)
            }
        }
    }
}
