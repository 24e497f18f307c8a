import Foundation
import Testing

/// SIGHUP.
struct ReloadTests {
    @Test(.endToEnd) func newIntervalAndEventsHoldAfterAReload() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("polling", ["initial_interval": "\"5m\"", "max_interval": "\"5m\""])
            try await w.startEverything()
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "processing")
            let daemon = try #require(w.daemon)

            try w.configure(
                "polling",
                ["initial_interval": "\"200ms\"", "max_interval": "\"600ms\"", "slow_interval": "\"600ms\""]
            )
            try w.configure("webhook", ["events": #"["refund.settled", "refund.processing"]"#])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(
                containing: "reloaded changed=\"polling.initial_interval, polling.max_interval"
            )
            try await w.enqueue("OK3-2")
            try await w.refund("OK3-2", is: "settled")
            try await eventually("webhooks of OK3-2") {
                try receiver.requests().filter { $0.data["merchant_order_no"].text == "OK3-2" }.map(\.type)
                    == ["refund.processing", "refund.settled"]
            }
            // What was put off for longer than any interval of the new configuration counts as due.
            try await w.refund("OK3-1", is: "settled")
        }
    }

    @Test(
        .endToEnd,
        arguments: [
            ("polling", "initial_interval", "\"soon\""),
            ("polling", "unheard_of", "1"),
            ("webhook", "secret_files", "[\"missing_secret\"]"),
            ("webhook", "secret_files", "[\"app_public_key\"]"),
            ("gateway", "ca_file", "\"app_public_key\""),
            ("gateway", "private_key_file", "\"missing.pem\""),
            ("gateway", "url", "\"http://example.com\""),
            ("gateway", "app_id", "\"wz0123456789abcdef\""),
            ("gateway", "merchant_no", "\"1\""),
            ("database", "path", "\"other.db\""),
        ]
    )
    func oldConfigurationStaysWhereTheNewOneIsRefused(section: String, key: String, value: String) async throws {
        try await withWorkspace { w in
            try w.configure("log", ["format": "\"json\""])
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            // What is right beside it is not taken over, either.
            try w.configure("log", ["level": "\"debug\"", "format": "\"text\""])
            try w.configure("polling", ["max_interval": "\"1h\"", "initial_interval": "\"1h\""])
            try w.configure(section, [key: value])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "reload failed")
            let problems = try JSON.lines(of: daemon.errors).compactMap { $0["metadata"]["problem"].text }
            #expect(problems.contains { $0.hasPrefix(w.configurationFile) && $0.contains("\(section).\(key)") })
            // What stands behind an unknown key may be a secret.
            let named = key == "unheard_of" ? key : value.filter { !"[]\"".contains($0) }
            #expect(problems.contains { $0.contains(named) }, "\(problems)")
            // What can be known without the running daemon is what `check` says, too.
            let check = try await w.refundd("check").errors.split(separator: "\n").map {
                $0.dropFirst("refundd: ".count)
            }
            let needsDaemon = ["app_id", "merchant_no", "path"].contains(key)
            #expect(needsDaemon ? check.isEmpty : check.map(String.init) == problems, "\(check)")

            try await w.enqueue(["OK3-1", "HTTP503-1"])
            try await w.refund("OK3-1", is: "settled")
            try await w.refund("HTTP503-1") { ($0["attempts"].integer ?? 0) > 1 }
            #expect(!daemon.errors.contains("query without a verdict"))
            #expect(daemon.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("{") })
            #expect(!FileManager.default.fileExists(atPath: w.path("other.db")))
            #expect(daemon.isRunning)
        }
    }

    @Test(.endToEnd) func fileThatIsNoTOMLIsRefusedAtAReload() async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try w.replaceConfiguration("[gateway\n")
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "reload failed")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
        }
    }

    @Test(.endToEnd) func stormOfReloadsIsHarmlessAndTheLastOneCounts() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try await w.enqueue((1...50).map { "OK3-\($0)" })
            let clock = ContinuousClock()
            for number in 1...50 {
                if number == 50 { try w.configure("log", ["level": "\"debug\""]) }
                daemon.signal(SIGHUP)
                try await clock.sleep(for: .milliseconds(15))
            }
            try await eventually("every webhook") { try receiver.requests().count == 50 }
            #expect(try await w.sql("SELECT id FROM refund_queue WHERE state = 'settled'").count == 50)
            #expect(try await w.sql("SELECT id FROM refund_queue WHERE attempts <> 3").isEmpty)
            try await w.enqueue("HTTP503-1")
            try await daemon.waitForErrors(containing: "query without a verdict")
            #expect(!daemon.errors.contains("reload failed"))
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode() == 0)
        }
    }

    @Test(.endToEnd) func whatIsInFlightSurvivesReloads() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("slow/1500"))\""])
            try await w.startEverything(
                scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"1500ms\""
            )
            let daemon = try #require(w.daemon)
            try await w.enqueue("SLOW-1")
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            daemon.signal(SIGHUP)
            try await w.refund("SLOW-1", is: "settled")
            #expect(try w.asked("SLOW-1").count == 1)
            try await eventually("the webhook in flight") { try receiver.requests().count == 1 }
            for _ in 1...10 { daemon.signal(SIGHUP) }
            try await eventually("delivered") {
                try await w.webhooks("SLOW-1").map { $0["state"].text } == ["delivered"]
            }
            #expect(try receiver.requests().count == 1)
            #expect(try await w.refund("SLOW-1")["attempts"].integer == 1)
        }
    }
}
