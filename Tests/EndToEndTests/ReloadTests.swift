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
            try await daemon.waitForErrors(containing: "reloaded")
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
            ("gateway", "private_key_file", "\"missing.pem\""),
            ("gateway", "url", "\"http://example.com\""),
            ("gateway", "app_id", "\"wz0123456789abcdef\""),
            ("gateway", "merchant_no", "\"1\""),
            ("database", "path", "\"other.db\""),
        ]
    )
    func oldConfigurationStaysWhereTheNewOneIsRefused(section: String, key: String, value: String) async throws {
        try await withWorkspace { w in
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try w.configure(section, [key: value])
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: key)
            #expect(daemon.errors.contains("not reloaded"))

            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "settled")
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
            try await daemon.waitForErrors(containing: "not reloaded")
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
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
