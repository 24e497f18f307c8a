import Foundation
import Testing

/// What is the gateway's trouble, or ours with it, and not each refund's.
struct GatewayTroubleTests {
    private static let eventNames: Set = ["gateway", "attention", "code", "message", "since"]

    @Test(.endToEnd) func credentialsThatTheGatewayRefusesAreToldOnceAndTouchNoRefund() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.make("other.pem", "openssl genrsa -out {} 2048")
            try w.configure("gateway", ["private_key_file": "\"other.pem\""])
            let orders = (1...8).map { "OK-\($0)" }
            for order in orders { try await w.enqueue(order) }
            try await w.startDaemon()
            let daemon = try #require(w.daemon)

            let event = try await eventually("the webhook") { try receiver.requests().first }
            #expect(event.type == "gateway.needs_attention")
            #expect(event.isVerified)
            #expect(event.data.names == Self.eventNames)
            #expect(event.data["gateway"].text == "default")
            #expect(event.data["attention"].text == "misconfigured")
            #expect(event.data["code"].text == "SYS002")
            #expect(event.data["message"].text?.contains("signature") == true)
            #expect(event.data["since"] != .null)

            // Every 15 s it is asked with one refund.
            #expect(try await holds(for: .seconds(4)) { try w.asked().count <= orders.count + 1 })
            let rows = try await w.sql("SELECT * FROM refund_queue")
            #expect(rows.allSatisfy { $0["state"].text == "pending" && $0["attention"] == .null })
            #expect(try await w.sql("SELECT id FROM refund_transitions").isEmpty)
            #expect(try await w.sql("SELECT type, refund_id FROM refund_events").count == 1)
            #expect(try receiver.requests().count == 1)
            let status = try await w.refundd("status", "--json").json
            #expect(status["gateways"]["default"]["attention"].text == "misconfigured")
            #expect(try await w.refundd("status").output.contains("SYS002"))

            try w.configure("gateway", ["private_key_file": "\"app_private_key\""])
            daemon.signal(SIGHUP)
            for order in orders {
                try await w.refund(order, is: "settled")
                #expect(try await w.events(order) == ["refund.settled"])
            }
            try await eventually("gateway healthy") {
                try await w.refundd("status", "--json").json["gateways"]["default"]["attention"] == .null
            }
            try await eventually("all webhooks") { try receiver.requests().count == orders.count + 1 }
        }
    }

    @Test(.endToEnd) func refusalThatIsSignedCountsTheSame() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything(scenarios: "[prefixes.\"CLOSED-\"]\nfault = \"not_authorised\"")
            try await w.enqueue("CLOSED-1")
            let rows = try await eventually("the event") {
                let rows = try await w.sql("SELECT type, refund_id, state, body FROM refund_events")
                return rows.isEmpty ? nil : rows
            }
            #expect(rows.count == 1)
            #expect(rows[0]["type"].text == "gateway.needs_attention")
            #expect(rows[0]["refund_id"] == .null)
            let data = try JSON(parsing: rows[0]["body"].text ?? "")["data"]
            #expect(data.names == Self.eventNames)
            #expect(data["code"].text == "E07303")
            #expect(try await w.refund("CLOSED-1")["state"].text == "pending")

            // The next daemon knows that it was reported.
            w.daemon?.kill()
            let asked = try w.asked().count
            try await w.startDaemon()
            try await eventually("the next query") { try w.asked().count > asked }
            #expect(try await holds(for: .seconds(1)) { try await w.sql("SELECT 1 FROM refund_events").count == 1 })
        }
    }

    @Test(.endToEnd) func answersThatDoNotVerifySettleNothing() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            for order in ["BADSIGN-1", "UNSIGNED-1", "NEVER-1"] { try await w.enqueue(order) }
            for order in ["BADSIGN-1", "UNSIGNED-1"] {
                let row = try await w.refund(order) { ($0["attempts"].integer ?? 0) >= 5 }
                #expect(row["state"].text == "pending")
                #expect(row["attention"] == .null)
                #expect(row["trans_status"] == .null)
                #expect(row["trans_amount"] == .null)
                #expect(row["last_error"].text?.contains("sign") == true)
                #expect(try await w.ledger(order) == [])
                #expect(try await w.events(order) == [])
            }
        }
    }

    @Test(.endToEnd) func twentyAnswersInARowThatDoNotVerifyAreTheGatewaysTrouble() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            try await w.enqueue((1...30).map { "BADSIGN-\($0)" })
            try await eventually("the event") {
                try await w.sql("SELECT 1 FROM refund_events WHERE type = 'gateway.needs_attention'").count == 1
            }
            let asked = try w.asked().count
            #expect(asked >= 20)
            let inFlight = 16
            #expect(try await holds(for: .seconds(3)) { try w.asked().count <= asked + inFlight + 1 })
            #expect(try await w.sql("SELECT 1 FROM refund_events").count == 1)
            #expect(try await w.sql("SELECT 1 FROM refund_queue WHERE state <> 'pending'").isEmpty)
        }
    }

    @Test(.endToEnd) func gatewayThatHangsHoldsUpNoOther() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startSimulator(scenarios: "[prefixes.\"HANG-\"]\nfault = \"hang\"")
            // The same simulator under two names: one is only asked for refunds that hang.
            try w.configure(
                "gateways.second",
                [
                    "url": "\"https://127.0.0.1:\(w.simulatorPort)\"", "app_id": "\"wz715fc0d10ee9d156\"",
                    "merchant_no": "\"312100007235\"", "private_key_file": "\"app_private_key\"",
                    "public_key_files": "[\"gateway_public_key\"]", "ca_file": "\"ca.pem\"",
                    "max_in_flight": "4",
                ]
            )
            try await w.initDatabase()
            try await w.startDaemon()
            for number in 1...8 { try await w.enqueue("HANG-\(number)", ["gateway": "second"]) }
            try await eventually("four hang") { try await w.queriesInSimulator()["HANG-4"] == 1 }
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled", within: .seconds(5))
        }
    }
}
