import RefundCore
import RefundStore
import Testing

extension StoreBehaviour {
    private static let endpoint = "hooks.example"

    /// Why an endpoint accepts nothing, and which webhooks wait for a retry, as `status` has it.
    static let refusals = [
        StoreBehaviour("endpointThatAcceptsNothingIsRefusing") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...2 { try daemon.happen(to: try fixture.enqueue("R-\(number)")) { $0.answered(.settled) } }
            let first = try daemon.claim()
            try daemon.finish(first[0], .failed, retryAt: later(5))
            try daemon.finish(first[1], .refused(answering: "late", status: 503), at: later(1), retryAt: later(5))
            #expect(try daemon.endpoints(at: later(2)).refusals.map(\.attempts) == [2])
            for delivery in try daemon.claim(at: later(5)) {
                try daemon.finish(delivery, .failed, at: later(6), retryAt: later(1_800))
            }
            let refusal = EndpointRefusal(
                endpoint: endpoint,
                since: now,
                attempts: 4,
                reason: "HTTP status 500",
                answer: Array("oops".utf8),
                waiting: 2,
                next: later(1_800)
            )
            let status = try daemon.endpoints(at: later(100))
            #expect(status.refusals == [refusal])
            #expect(status.retries.count == 0, "they are part of the refusal")
        },
        StoreBehaviour("oneFailureIsNoRefusalBeforeAMinuteHasPassed") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            try daemon.finish(try #require(try daemon.claim().first), .failed, retryAt: later(1_800))
            #expect(try daemon.endpoints(at: later(30)).refusals.isEmpty, "it may be that webhook's own")
            #expect(try daemon.endpoints(at: later(60)).refusals.count == 1)
        },
        StoreBehaviour("breakerIsShownSinceTheFirstFailure") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...2 { try daemon.happen(to: try fixture.enqueue("R-\(number)")) { $0.answered(.settled) } }
            for delivery in try daemon.claim() { try daemon.finish(delivery, .failed, retryAt: later(1_800)) }
            try daemon.write(.breaker(.endpoint, name: endpoint, OpenBreaker(since: later(9), reason: "down")))
            #expect(try daemon.endpoints(at: later(10)).open.map(\.breaker.since) == [now])
        },
        StoreBehaviour("redeliveryMakesTheNextProbeDueAtOnce") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            let delivery = try #require(try daemon.claim().first)
            try daemon.finish(delivery, .failed, retryAt: later(1_800))
            let open = OpenBreaker(since: now, reason: "down", nextProbe: later(60))
            for name in [endpoint, "other.example"] { try daemon.write(.breaker(.endpoint, name: name, open)) }
            try daemon.store.write { tx throws(StoreError) in
                _ = try tx.redeliver(delivery.id, from: .pending, by: "ada", at: later(9))
            }
            let breakers = try daemon.store.read { tx throws(StoreError) in try tx.openBreakers(.endpoint) }
            #expect(breakers[endpoint]?.nextProbe.map { $0 <= later(9) } == true)
            let probes = try fixture.column("SELECT next_probe_at FROM refund_breakers ORDER BY name")
            #expect(probes == ["0", "\(later(60).milliseconds)"])
        },
        StoreBehaviour("successEndsARefusalAndLeavesTheRetries") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...2 { try daemon.happen(to: try fixture.enqueue("R-\(number)")) { $0.answered(.settled) } }
            let deliveries = try daemon.claim()
            try daemon.finish(deliveries[0], .failed, retryAt: later(1_800))
            try daemon.finish(deliveries[1], .accepted, at: later(90))
            let status = try daemon.endpoints(at: later(120))
            #expect(status.refusals.isEmpty)
            #expect(status.retries.count == 1)
            #expect(status.retries.last == later(1_800))
        },
        StoreBehaviour("refusalBeginsAfterTheLastSuccess") { fixture in
            let daemon = Daemon(fixture)
            for number in 1...2 { try daemon.happen(to: try fixture.enqueue("R-\(number)")) { $0.answered(.settled) } }
            let deliveries = try daemon.claim()
            try daemon.finish(deliveries[0], .failed, retryAt: later(20))
            try daemon.finish(deliveries[1], .accepted, at: later(10))
            let again = try #require(try daemon.claim(at: later(20)).first)
            try daemon.finish(again, .failed, at: later(21), retryAt: later(1_800))
            let refusal = try #require(try daemon.endpoints(at: later(100)).refusals.first)
            #expect(refusal.since == later(21))
            #expect(refusal.attempts == 1)
        },
        StoreBehaviour("goneURLSaysNothingAboutItsEndpoint") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            let delivery = try #require(try daemon.claim().first)
            try daemon.finish(delivery, .refused(answering: "", status: 410), retryAt: later(1_800))
            #expect(try daemon.endpoints(at: later(600)).refusals.isEmpty)
        },
        StoreBehaviour("longAnswerIsCut") { fixture in
            let daemon = Daemon(fixture)
            try daemon.happen(to: try fixture.enqueue("R-1")) { $0.answered(.settled) }
            let delivery = try #require(try daemon.claim().first)
            let long = String(repeating: "é", count: 500)
            try daemon.finish(delivery, .refused(answering: long, status: 500), retryAt: later(5))
            #expect(try daemon.endpoints(at: later(100)).refusals.first?.answer == Array(long.utf8.prefix(200)))
            let again = try #require(try daemon.claim(at: later(5)).first)
            let silent = DeliveryOutcome(
                status: nil,
                error: "timed out",
                retryAfter: nil,
                answer: [],
                duration: .seconds(15)
            )
            try daemon.finish(again, silent, at: later(20), retryAt: later(1_800))
            let refusal = try #require(try daemon.endpoints(at: later(100)).refusals.first)
            #expect((refusal.answer ?? []).isEmpty && refusal.reason == "timed out")
        },
    ]
}

extension Daemon {
    fileprivate func endpoints(at time: Timestamp) throws -> EndpointStatus {
        try store.read { tx throws(StoreError) in try tx.status(at: time) }.endpoints
    }
}

extension DeliveryOutcome {
    /// A response that refuses a webhook.
    fileprivate static func refused(answering text: String, status: Int) -> DeliveryOutcome {
        DeliveryOutcome(
            status: status,
            error: "HTTP status \(status)",
            retryAfter: nil,
            answer: Array(text.utf8),
            duration: .milliseconds(5)
        )
    }
}
