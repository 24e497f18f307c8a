import Foundation
import Testing

/// A gateway that is down, asks to be asked less, or has another clock.
struct GatewayOutageTests {
    private func breaker(_ w: Workspace) async throws -> JSON {
        try await w.refundd("status", "--json").json["gateways"]["default"]
    }

    @Test(.endToEnd) func gatewayThatIsDownForAWhileLosesNothingAndUsesUpNoBackoff() async throws {
        try await withWorkspace(on: .every) { w in
            let admin = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(admin)\""])
            try await w.startEverything()
            #expect(try await breaker(w)["breaker"].text == "closed")
            w.stopSimulator()
            let orders = (1...200).map { "OK-\($0)" }
            try await w.enqueue(orders)
            let open = try await eventually("the breaker opens") {
                let status = try await breaker(w)
                return status["breaker"].text == "open" ? status : nil
            }
            #expect((open["breaker_since"].integer ?? 0) > 1_700_000_000_000)
            #expect(open["breaker_reason"].text?.isEmpty == false)
            #expect(open["attention"] == .null, "an outage is no misconfiguration")
            #expect(
                try await w.refundd("status", environment: ["COLUMNS": "400"]).output.contains("ONLY PROBED since ")
            )
            let probing = "\nrefundd_gateway_state{gateway=\"default\",state=\"probing\"} 1\n"
            #expect(try await w.get("/metrics", port: admin).body.contains(probing))
            #expect(
                try await holds(for: .seconds(4)) {
                    let sum = try await w.sql("SELECT sum(attempts) AS n FROM refund_queue")[0]["n"].integer ?? 0
                    // Those that were in flight when it opened, at 16 places, and none of those that wait.
                    return sum <= 32
                }
            )
            #expect(try await w.sql("SELECT 1 FROM refund_queue WHERE state <> 'pending'").isEmpty)

            try await w.startSimulator(port: w.simulatorPort)
            // A probe waits for no more than 8 s after an outage of this length, and the rest follows at once.
            try await eventually("all settled", within: .seconds(20)) {
                try await w.sql("SELECT 1 FROM refund_queue WHERE state <> 'settled'").isEmpty
            }
            let rows = try await w.sql("SELECT max(attempts) AS n FROM refund_queue")
            #expect((rows[0]["n"].integer ?? 9) <= 3)
            #expect(try await breaker(w)["breaker"].text == "closed")
            let log = try #require(w.daemon).errors.split(separator: "\n")
            #expect(log.count { $0.contains("the gateway is down or throttles us") } == 1)
            #expect(log.count { $0.contains("the gateway answers again") } == 1)
        }
    }

    @Test(.endToEnd, arguments: ["http_429", "http_503"])
    func pauseThatIsAskedForHoldsForTheWholeGateway(fault: String) async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything(
                scenarios: """
                    [prefixes."BUSY-"]
                    settles_after_queries = 1
                    fault = "\(fault)"
                    fault_for_queries = 1
                    retry_after = "4s"
                    """
            )
            try await w.enqueue("BUSY-1")
            let row = try await w.refund("BUSY-1") { $0["last_error"] != .null }
            #expect(row["last_error"].text?.contains("asks to wait for 4s") == true)
            #expect(row["attempts"].integer == 0)
            #expect(try await breaker(w)["breaker"].text == "open")
            try await w.enqueue((1...10).map { "OK-\($0)" })
            #expect(try await holds(for: .seconds(2)) { try w.asked().count == 1 })
            for order in ["BUSY-1", "OK-1", "OK-10"] { try await w.refund(order, is: "settled") }
            let times = try w.asked().map(\.at)
            #expect(times[1] - times[0] >= 3_900)
            #expect(try await w.refund("BUSY-1")["attempts"].integer == 1)
            #expect(try await breaker(w)["breaker"].text == "closed")
        }
    }

    @Test(.endToEnd) func clockThatIsOffIsToldAsAnUntrustedHintAndRecoversByItself() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startSimulator(options: ["--clock-skew", "20m"])
            try await w.initDatabase()
            try await w.startDaemon()
            try await w.enqueue(["OK-1", "OK-2", "OK-3"])
            let event = try await eventually("the event") {
                try await w.sql("SELECT body FROM refund_events WHERE type = 'gateway.needs_attention'").first
            }
            let data = try JSON(parsing: event["body"].text ?? "")["data"]
            #expect(data["attention"].text == "misconfigured")
            #expect(data["code"].text == "SYS002")
            #expect(data["message"].text?.contains("this machine's clock is 20m behind the response's date") == true)
            let status = try await breaker(w)
            #expect(status["code"].text == "SYS002")
            #expect(status["verified"] == .bool(false))
            #expect(try await w.refundd("status", environment: ["COLUMNS": "400"]).output.contains("only a hint"))
            let doctor = try await w.refundd("doctor", environment: ["COLUMNS": "400"])
            #expect(doctor.output.split(separator: "\n").count { $0.contains("clock is 20m behind") } == 1)
            #expect(doctor.output.contains("run: timedatectl set-ntp true") || doctor.output.contains("timesyncd"))
            let rows = try await w.sql("SELECT * FROM refund_queue")
            #expect(rows.allSatisfy { $0["attempts"].integer == 0 && $0["last_query_at"] == .null })

            w.stopSimulator()
            try await w.startSimulator(port: w.simulatorPort)
            for order in ["OK-1", "OK-2", "OK-3"] { try await w.refund(order, is: "settled") }
            #expect(try await breaker(w)["code"] == .null)
            #expect(try await w.sql("SELECT 1 FROM refund_events WHERE type = 'gateway.needs_attention'").count == 1)
        }
    }

    @Test(.endToEnd) func wrongPublicKeyOfTheGatewayRaisesTheSameAlarm() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startSimulator()
            try await w.initDatabase()
            try await w.make("other.pem", "openssl genrsa 2048 | openssl rsa -pubout -out {}")
            try w.configure("gateway", ["public_key_files": "[\"other.pem\"]"])
            let orders = (1...30).map { "OK-\($0)" }
            try await w.enqueue(orders)
            let daemon = try await w.startDaemon()
            let event = try await eventually("the event") {
                try await w.sql("SELECT body FROM refund_events").first
            }
            let data = try JSON(parsing: event["body"].text ?? "")["data"]
            #expect(data["attention"].text == "misconfigured")
            #expect(data["code"].text == "UNVERIFIED")
            #expect(data["message"].text?.contains("none of the configured public keys") == true)
            #expect(try await w.sql("SELECT 1 FROM refund_queue WHERE state <> 'pending'").isEmpty)
            #expect(try await w.sql("SELECT 1 FROM refund_transitions").isEmpty)

            try w.configure("gateway", ["public_key_files": "[\"gateway_public_key\"]"])
            daemon.signal(SIGHUP)
            for order in orders { try await w.refund(order, is: "settled") }
            #expect(try await breaker(w)["attention"] == .null)
        }
    }

    @Test(.endToEnd) func gatewayThatAReloadRemovesLeavesNoTroubleBehind() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startSimulator()
            try await w.initDatabase()
            let alone = w.configuration.text
            try w.configure(
                "gateways.second",
                [
                    "url": "\"https://127.0.0.1:\(w.simulatorPort)\"", "app_id": "\"wz0000000000000000\"",
                    "merchant_no": "\"312100007235\"", "private_key_file": "\"app_private_key\"",
                    "public_key_files": "[\"gateway_public_key\"]", "ca_file": "\"ca.pem\"",
                ]
            )
            let daemon = try await w.startDaemon()
            try await w.enqueue("OK-1", ["gateway": "second"])
            try await eventually("the trouble") {
                try await w.refundd("status", "--json").json["gateways"]["second"]["code"].text == "SYS002"
            }
            try w.replaceConfiguration(alone)
            daemon.signal(SIGHUP)
            try await eventually("nothing is left of it") {
                try await w.refundd("status", "--json").json["gateways"].names == ["default"]
            }
            try await w.refund("OK-1") { $0["attention"].text == "misconfigured" }
        }
    }
}
