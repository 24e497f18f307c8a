import Foundation
import Testing

/// How the daemon ends.
struct DrainTests {
    private static let slow = """
        [prefixes."SLOW-"]
        settles_after_queries = 1
        latency = "2s"
        [prefixes."HANG-"]
        fault = "hang"
        """

    @Test(.endToEnd, arguments: [SIGTERM, SIGINT])
    func queryInFlightIsFinishedAndNothingNewIsBegun(signal: Int32) async throws {
        try await withWorkspace { w in
            try await w.startEverything(scenarios: Self.slow)
            try await w.enqueue("SLOW-1")
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            let daemon = try #require(w.daemon)
            daemon.signal(signal)
            try await daemon.waitForErrors(containing: "drain")
            try await w.enqueue("OK-1")
            #expect(try await daemon.exitCode(within: .seconds(20)) == 0)

            #expect(try await w.refund("SLOW-1")["state"].text == "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            #expect(try await w.refund("OK-1")["state"].text == "pending")
            #expect(try w.asked("OK-1").isEmpty)
        }
    }

    @Test(.endToEnd) func webhookInFlightIsFinished() async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("slow/1500"))\""])
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("the webhook in flight") { try !receiver.requests().isEmpty }
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            #expect(try await daemon.exitCode(within: .seconds(20)) == 0)
            #expect(try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"])
            #expect(try receiver.requests().count == 1)
        }
    }

    @Test(.endToEnd) func secondSignalEndsTheDaemonAtOnce() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["timeout": "\"60s\""])
            try await w.startEverything(scenarios: Self.slow)
            try await w.enqueue("HANG-1")
            try await eventually("HANG-1 in flight") { try await w.queriesInSimulator()["HANG-1"] == 1 }
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            try await daemon.waitForErrors(containing: "drain")
            #expect(daemon.isRunning)
            daemon.signal(SIGTERM)
            _ = try await daemon.exitCode(within: .seconds(5))
        }
    }

    @Test(.endToEnd) func drainEndsAfterTwentySecondsWhateverIsInFlight() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["timeout": "\"60s\""])
            try await w.startEverything(scenarios: Self.slow)
            try await w.enqueue("HANG-1")
            try await eventually("HANG-1 in flight") { try await w.queriesInSimulator()["HANG-1"] == 1 }
            let daemon = try #require(w.daemon)
            daemon.signal(SIGTERM)
            let clock = ContinuousClock()
            let begin = clock.now
            #expect(try await daemon.exitCode(within: .seconds(24)) == 0)
            #expect(clock.now - begin > .seconds(15))
            #expect(try await w.refund("HANG-1")["state"].text == "pending")
        }
    }
}
