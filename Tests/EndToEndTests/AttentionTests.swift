import Foundation
import Testing

/// When an operator should look.
struct AttentionTests {
    private static let amounts = """
        [prefixes."EUR-"]
        settles_after_queries = 1
        amount = "12.5"
        currency = "EUR"
        """

    @Test(.endToEnd) func otherAmountOrCurrencyIsAMismatchThatSettlesNothing() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("polling", ["slow_interval": "\"600ms\""])
            try await w.startEverything(scenarios: Self.amounts)
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            try await w.enqueue("EUR-1", ["expected_amount": "12.5", "expected_currency": "USD"])
            try await w.enqueue("EUR-2", ["expected_amount": "12.50", "expected_currency": "EUR"])
            try await w.refund("EUR-2", is: "settled")
            for order in ["MISMATCH-1", "EUR-1"] {
                let row = try await w.refund(order) { ($0["attempts"].integer ?? 0) >= 4 }
                #expect(row["state"].text == "processing")
                #expect(row["attention"].text == "mismatch")
                #expect(try await w.ledger(order) == ["pending>processing", "processing>processing!mismatch"])
                #expect(try await w.events(order) == ["refund.processing", "refund.needs_attention!mismatch"])
            }
            #expect(try await w.refund("MISMATCH-1")["trans_amount"].text == "999")
            let notified = try receiver.requests().filter { $0.type == "refund.needs_attention" }
            #expect(Set(notified.compactMap { $0.data["merchant_order_no"].text }) == ["MISMATCH-1", "EUR-1"])
            #expect(notified.count == 2)
        }
    }

    @Test(.endToEnd) func mismatchEndsWithAMatchingAnswer() async throws {
        try await withWorkspace(on: .every) { w in
            try w.configure("polling", ["slow_interval": "\"600ms\""])
            try await w.startEverything()
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }
            w.stopSimulator()
            try await w.startSimulator(
                scenarios: "[prefixes.\"MISMATCH-\"]\nsettles_after_queries = 1\namount = \"1200.00\"",
                port: w.simulatorPort
            )
            let row = try await w.refund("MISMATCH-1", is: "settled")
            #expect(row["attention"] == .null)
            #expect(
                try await w.ledger("MISMATCH-1")
                    == ["pending>processing", "processing>processing!mismatch", "processing>settled"]
            )
            #expect(
                try await w.events("MISMATCH-1")
                    == ["refund.processing", "refund.needs_attention!mismatch", "refund.settled"]
            )
        }
    }

    @Test(.endToEnd) func unknownOrderIsToldOnceAndStaysPending() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("UNKNOWN-1")
            let row = try await w.refund("UNKNOWN-1") { $0["attention"].text == "unknown_order" }
            #expect(row["state"].text == "pending")
            #expect(row["attempts"].integer ?? 0 >= 2)
            // What is being delivered while the daemon is killed is delivered again, as it should be.
            try await eventually("the delivery") {
                try await w.sql("SELECT count(*) AS n FROM refund_webhooks WHERE state = 'delivered'")[0]["n"].integer
                    == 1
            }
            // The next daemon does not report it again.
            w.daemon?.kill()
            try await w.startDaemon()
            let asked = try w.asked("UNKNOWN-1").count
            try await eventually("further queries") { try w.asked("UNKNOWN-1").count >= asked + 3 }
            #expect(try await w.ledger("UNKNOWN-1") == ["pending>pending!unknown_order"])
            #expect(try await w.events("UNKNOWN-1") == ["refund.needs_attention!unknown_order"])
            #expect(try receiver.requests().map(\.type) == ["refund.needs_attention"])
        }
    }

    @Test(.endToEnd) func unknownOrderIsClearedOnceTheGatewayKnowsIt() async throws {
        try await withWorkspace(on: .every) { w in
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("LATE4S-1")
            try await w.refund("LATE4S-1") { $0["attention"].text == "unknown_order" }
            let row = try await w.refund("LATE4S-1", is: "settled")
            #expect(row["attention"] == .null)
            #expect(try await w.ledger("LATE4S-1") == ["pending>pending!unknown_order", "pending>settled"])
            #expect(
                try await w.events("LATE4S-1") == ["refund.needs_attention!unknown_order", "refund.settled"]
            )
        }
    }

    @Test(.endToEnd) func overdueIsToldOnceAndClearedByTheVerdict() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("NEVER-1")
            try await w.enqueue("OK4S-1")
            for order in ["NEVER-1", "OK4S-1"] { try await w.refund(order) { $0["attention"].text == "overdue" } }
            try await w.refund("OK4S-1", is: "settled")
            #expect(try await w.refund("OK4S-1")["attention"] == .null)
            #expect(
                try await w.ledger("OK4S-1")
                    == ["pending>processing", "processing>processing!overdue", "processing>settled"]
            )
            #expect(try await w.ledger("NEVER-1") == ["pending>processing", "processing>processing!overdue"])
            #expect(try await w.events("NEVER-1") == ["refund.processing", "refund.needs_attention!overdue"])
            #expect(
                try await w.events("OK4S-1") == [
                    "refund.processing", "refund.needs_attention!overdue", "refund.settled",
                ]
            )
            try await eventually("three webhooks") { try receiver.requests().count == 3 }
        }
    }

    @Test(.endToEnd) func overdueIsToldEvenIfTheGatewayIsDown() async throws {
        try await withWorkspace(on: .every) { w in
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            w.stopSimulator()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["attention"].text == "overdue" }
            try await w.startSimulator(port: w.simulatorPort)
            try await w.refund("OK-1", is: "settled")
            #expect(try await w.events("OK-1") == ["refund.needs_attention!overdue", "refund.settled"])
        }
    }

    @Test(.endToEnd) func refundOfAGatewayThatTheConfigurationLacksWaitsForIt() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.enqueue("OK-1", ["gateway": "second"])
            let row = try await w.refund("OK-1") { $0["attention"].text == "misconfigured" }
            #expect(row["state"].text == "pending")
            #expect(row["attempts"].integer == 0)
            try await eventually("the webhook") { try receiver.requests().count == 1 }

            try w.configure(
                "gateways.second",
                [
                    "url": "\"https://127.0.0.1:\(w.simulatorPort)\"", "app_id": "\"wz715fc0d10ee9d156\"",
                    "merchant_no": "\"312100007235\"", "private_key_file": "\"app_private_key\"",
                    "public_key_files": "[\"gateway_public_key\"]", "ca_file": "\"ca.pem\"",
                ]
            )
            let daemon = try #require(w.daemon)
            daemon.signal(SIGHUP)
            let settled = try await w.refund("OK-1", is: "settled")
            #expect(settled["attention"] == .null)
            #expect(try await w.events("OK-1") == ["refund.needs_attention!misconfigured", "refund.settled"])
            let ledger = try await w.ledger("OK-1")
            #expect(ledger.first == "pending>pending!misconfigured")
            #expect(ledger.last == "pending>settled")
        }
    }

    @Test(.endToEnd) func callbackWithoutASecretIsMisconfigured() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\"", "secret_files": "[]", "retry_schedule": #"["3s", "3s", "3s", "3s", "3s", "3s"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("NEVER-1", ["callback_url": receiver.url("take")])
            try await w.refund("NEVER-1") { $0["attention"].text == "misconfigured" }
            #expect(try await calls(for: "NEVER-1", in: w) == ["refund.needs_attention!misconfigured"])
            #expect(try receiver.requests().isEmpty)

            try w.configure("webhook", ["secret_files": "[\"webhook_secret\"]"])
            let daemon = try #require(w.daemon)
            daemon.signal(SIGHUP)
            try await w.refund("NEVER-1") { $0["attention"] == .null }
            let notified = try await eventually("the webhook") { try receiver.requests().first }
            #expect(notified.type == "refund.needs_attention")
            #expect(notified.isVerified)
            #expect(try await calls(for: "NEVER-1", in: w) == ["refund.needs_attention!misconfigured"])
        }
    }

    /// The events that call for an operator.
    private func calls(for order: String, in w: Workspace) async throws -> [String] {
        try await w.events(order).filter { $0.hasPrefix("refund.needs_attention") }
    }

    @Test(.endToEnd) func delayIsReportedOnceAndNeedsNoOperator() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("alerts", ["delayed_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("NEVER-1", ["metadata": #"{"cart":"c-9"}"#])
            let delayed = try await eventually("the webhook") { try receiver.requests().first }
            #expect(delayed.type == "refund.delayed")
            #expect(delayed.isVerified)
            #expect(delayed.data["merchant_order_no"].text == "NEVER-1")
            #expect(delayed.data["state"].text == "processing")
            #expect(delayed.data["previous_state"].text == "processing")
            #expect(delayed.data["attention"] == .null)
            #expect(delayed.data["sequence"].integer == 1)
            #expect(delayed.data["reason"].text == "no verdict for 1s")
            #expect(delayed.data["metadata"]["cart"].text == "c-9")
            let row = try await w.refund("NEVER-1")
            #expect(row["attention"] == .null)
            #expect(try await w.ledger("NEVER-1") == ["pending>processing"])
            #expect(try await w.refundd("status").exitCode == 0)
            w.daemon?.kill()
            try w.configure("alerts", ["delayed_after": "\"500ms\""])
            try await w.startDaemon()
            #expect(try await w.refundd("abandon", "NEVER-1", "--reason", "test").exitCode == 0)
            try await eventually("the end") { try receiver.requests().last?.type == "refund.abandoned" }
            #expect(try receiver.requests().map(\.type) == ["refund.delayed", "refund.abandoned"])
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)\(verify.errors)")
        }
    }
}
