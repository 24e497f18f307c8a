import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

/// Endpoints that fail, URLs that are gone, and what both leave of the others.
struct EngineEndpointTests {
    /// Settles this many refunds whose webhooks go to one URL; their first attempts are in the last cycle.
    @discardableResult
    private func settle(_ count: Int, _ prefix: String, at url: String, _ harness: EngineHarness) throws -> [Int64] {
        let ids = try (0..<count).map { number in
            try harness.enqueue("\(prefix)-\(number)", [(name: .callbackURL, value: url)])
        }
        try harness.run()
        harness.answerAll(.report(.settled))
        try harness.run()
        return ids
    }

    private func openEndpoints(_ harness: EngineHarness) throws -> [String] {
        try harness.store.read { tx in try tx.openBreakers(.endpoint).keys.sorted() }
    }

    /// Lets attempts of one endpoint fail until its breaker opens.
    private func open(_ harness: EngineHarness) throws {
        for _ in 0..<100 where try openEndpoints(harness).isEmpty {
            harness.endDeliveries(status: 500)
            try harness.run()
        }
    }

    // MARK: - The breaker

    @Test func webhooksOfAnEndpointThatIsDownKeepTheirRetries() throws {
        let harness = try EngineHarness()
        try settle(50, "D", at: "https://down.example/in", harness)
        try open(harness)
        #expect(try openEndpoints(harness) == ["down.example"])
        #expect(try harness.attempts() == Breaker.threshold)
        // An hour: a probe after 1, 2, 4, 8, 16, 32 s, and then one a minute.
        let end = harness.now.advanced(by: .seconds(3_600))
        var probes = 0
        while harness.now < end, harness.cycle.nextWake != nil || !harness.cycle.deliveries.isEmpty {
            probes += harness.cycle.deliveries.count
            #expect(harness.cycle.deliveries.count <= 1)
            harness.endDeliveries(status: 500)
            try harness.run()
            try harness.runAtNextWake()
        }
        #expect((55...66).contains(probes), "\(probes)")
        #expect(try harness.webhookCount(where: "state = 'dead'") == 0)
    }

    @Test func oneDeliveredProbeLetsAllOthersGo() throws {
        let harness = try EngineHarness()
        try settle(50, "D", at: "https://down.example/in", harness)
        try open(harness)
        for _ in 0..<10 where harness.cycle.deliveries.isEmpty { try harness.runAtNextWake() }
        harness.endDeliveries(status: 200)
        try harness.run()
        #expect(try openEndpoints(harness).isEmpty)
        #expect(
            harness.cycle.notes.contains { if case .endpointRecovered("down.example") = $0 { true } else { false } }
        )
        let start = harness.now
        for _ in 0..<100 {
            harness.endDeliveries(status: 200)
            try harness.run()
            if harness.cycle.deliveries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(try harness.webhookCount(where: "state = 'delivered'") == 50)
        #expect(harness.now.duration(since: start) <= .seconds(10))
    }

    @Test func breakerOpensAndClosesOnceEachInTheLog() throws {
        let harness = try EngineHarness()
        try settle(50, "D", at: "https://down.example/in", harness)
        var (opened, closed) = (0, 0)
        for round in 0..<40 {
            harness.endDeliveries(status: round < 20 ? 503 : 200)
            for note in try harness.run().notes {
                if case .endpointFails("down.example", "HTTP 503") = note { opened += 1 }
                if case .endpointRecovered = note { closed += 1 }
            }
            if harness.cycle.deliveries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(opened == 1)
        #expect(closed == 1)
    }

    @Test func loneWebhookKeepsToItsSchedule() throws {
        let harness = try EngineHarness {
            $0.webhooks.retrySchedule.delays = Array(repeating: .seconds(2), count: 20)
        }
        try settle(1, "L", at: "https://down.example/in", harness)
        let start = harness.now
        for _ in 0..<21 {
            #expect(harness.cycle.deliveries.count == 1)
            harness.endDeliveries(status: 500)
            try harness.run()
            if harness.cycle.deliveries.isEmpty { try harness.runAtNextWake() }
        }
        #expect(try harness.webhookCount(where: "state = 'dead' AND attempts = 21") == 1)
        // Twenty waits of two seconds with their jitter.
        #expect(harness.now.duration(since: start) <= .seconds(45))
    }

    @Test func breakersOfADaemonThatIsGoneAreClosed() throws {
        let harness = try EngineHarness()
        try settle(50, "D", at: "https://down.example/in", harness)
        try open(harness)
        _ = try harness.firstCycleAfterARestart()
        #expect(try openEndpoints(harness).isEmpty)
    }

    @Test func webhookThatTheDatabaseRefusesToClaimHoldsUpNoOtherEndpoint() throws {
        let harness = try EngineHarness()
        try harness.sqlite(
            """
            CREATE TRIGGER shop BEFORE UPDATE OF leased_until ON refund_outbox
            WHEN NEW.endpoint = 'bad.example' AND NEW.leased_until IS NOT NULL
            BEGIN SELECT RAISE(ABORT, 'shop: not this one'); END
            """
        )
        try settle(1, "B", at: "https://bad.example/in", harness)
        try settle(1, "G", at: "https://good.example/in", harness)
        #expect(harness.cycle.deliveries.map(\.endpoint) == ["good.example"])
        #expect(harness.cycle.nextWake.map { $0.duration(since: harness.now) } == .seconds(1))
    }

    @Test func retryAfterHoldsUpTheEndpointAndNoOther() throws {
        let harness = try EngineHarness()
        try settle(5, "P", at: "https://busy.example/in", harness)
        for (delivery, endpoint) in harness.cycle.deliveries {
            harness.end(delivery, endpoint, status: 429, retryAfter: .seconds(30))
        }
        let asked = harness.now
        try settle(1, "O", at: "https://other.example/in", harness)
        #expect(harness.cycle.deliveries.map(\.endpoint) == ["other.example"])
        harness.endDeliveries(status: 200)
        try harness.run()
        #expect(harness.cycle.nextWake.map { $0.duration(since: asked) } == .seconds(30))
        try harness.runAtNextWake()
        #expect(harness.cycle.deliveries.map(\.endpoint) == ["busy.example"])
    }

    // MARK: - Ten thousand

    @Test func tenThousandWaitingWebhooksDoNotDelayAnotherEndpoint() throws {
        let harness = try EngineHarness()
        try settle(1, "S", at: "https://slow.example/in", harness)
        try harness.multiply(endpoint: "slow.example", to: 10_000)
        try harness.run()
        // Whatever hangs there, the next cycle sends what comes for another endpoint.
        #expect(harness.cycle.deliveries.allSatisfy { $0.endpoint == "slow.example" })
        for number in 0..<20 {
            try settle(1, "G\(number)", at: "https://good.example/in", harness)
            #expect(harness.cycle.deliveries.map(\.endpoint) == ["good.example"])
            harness.endDeliveries(status: 200)
            try harness.run()
        }
        #expect(try harness.webhookCount(where: "endpoint = 'good.example' AND state = 'delivered'") == 20)
        #expect(try harness.webhookCount(where: "endpoint = 'slow.example' AND state = 'pending'") == 10_000)
    }

    // MARK: - Disabled URLs

    @Test func goneURLIsDisabledAtOnceAndItsWebhooksAreDeadWithoutAnAttempt() throws {
        let harness = try EngineHarness()
        let ids = try settle(5, "G", at: "https://shop.example/gone", harness)
        harness.endDeliveries(status: 410)
        try harness.run()
        let sent = try harness.attempts()
        #expect(sent == 2, "those that were in flight together")
        let disabled = harness.cycle.notes.compactMap {
            if case .urlDisabled(let delivery, _) = $0 { delivery } else { nil }
        }
        #expect(disabled.count == 1, "told once")
        for id in ids {
            #expect(try harness.webhooks(id).map { $0.text("state") } == ["dead"])
            #expect(try harness.refund(id).attention == .undeliverable)
            #expect(try harness.transitions(id).map { $0.text("attention") } == [nil, "undeliverable"])
        }
        #expect(try harness.webhookCount(where: "last_error LIKE 'not sent: its URL is disabled%'") == 3)
        // Later ones too, while other URLs of the host are served.
        try settle(1, "H", at: "https://shop.example/gone", harness)
        #expect(harness.cycle.deliveries.isEmpty)
        try settle(1, "I", at: "https://shop.example/other", harness)
        #expect(harness.cycle.deliveries.map(\.delivery.url) == ["https://shop.example/other"])
        #expect(try harness.attempts() == sent)
        #expect(try harness.webhookCount(where: "state = 'dead'") == 6)
    }

    @Test func enablingAURLLetsItsNextWebhookBeSent() throws {
        let harness = try EngineHarness()
        try settle(1, "G", at: "https://shop.example/in", harness)
        harness.endDeliveries(status: 410)
        try harness.run()
        try harness.store.transaction { tx in try tx.enableEndpoint(url: "https://shop.example/in") }
        try settle(1, "H", at: "https://shop.example/in", harness)
        #expect(harness.cycle.deliveries.count == 1)
        harness.endDeliveries(status: 200)
        try harness.run()
        #expect(try harness.store.read { tx in try tx.health(ofURLs: ["https://shop.example/in"]) }.isEmpty)
    }

    @Test func longFailureDisablesAURLAndOneSuccessPreventsIt() throws {
        for succeeds in [false, true] {
            let harness = try EngineHarness {
                $0.webhooks.retrySchedule.delays = Array(repeating: .seconds(24 * 3_600), count: 30)
            }
            let id = try settle(1, "F", at: "https://shop.example/in", harness)[0]
            for day in 0..<8 where !harness.cycle.deliveries.isEmpty {
                if succeeds, day == 4 {
                    try settle(1, "S", at: "https://shop.example/in", harness)
                    for (delivery, endpoint) in harness.cycle.deliveries where delivery.refundID != id {
                        harness.end(delivery, endpoint, status: 200)
                    }
                    for (delivery, endpoint) in harness.cycle.deliveries where delivery.refundID == id {
                        harness.end(delivery, endpoint, status: 500)
                    }
                } else {
                    harness.endDeliveries(status: 500)
                }
                try harness.run()
                try harness.runAtNextWake()
            }
            let state = try harness.webhooks(id).map { $0.text("state") }
            #expect(state == [succeeds ? "pending" : "dead"])
        }
    }

    @Test func tenThousandWebhooksOfADisabledURLDieInBatchesAndHoldUpNobody() throws {
        let harness = try EngineHarness()
        try settle(1, "G", at: "https://shop.example/gone", harness)
        harness.endDeliveries(status: 410)
        try harness.run()
        try harness.multiply(endpoint: "shop.example", to: 10_000)
        var (cycles, largest) = (0, 0)
        let dead = "endpoint = 'shop.example' AND state = 'dead'"
        var before = try harness.webhookCount(where: dead)
        var good = 0
        while before < 10_000, cycles < 1_000 {
            try harness.enqueue("O-\(cycles)", [(name: .callbackURL, value: "https://other.example/in")])
            try harness.runAtNextWake()
            harness.answerAll(.report(.settled))
            good += harness.cycle.deliveries.count
            #expect(harness.cycle.deliveries.allSatisfy { $0.endpoint == "other.example" })
            harness.endDeliveries(status: 200)
            let now = try harness.webhookCount(where: dead)
            largest = max(largest, now - before)
            before = now
            cycles += 1
        }
        #expect(before == 10_000)
        #expect(largest == 256)
        #expect(cycles <= 10_000 / 256 + 2)
        // One is under way in each direction at the end.
        #expect(good >= cycles - 2, "\(good) in \(cycles) cycles")
        #expect(try harness.attempts(at: "shop.example") == 1)
    }
}
