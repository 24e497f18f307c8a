import Foundation
import RefundCore
import RefundStore
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

@testable import RefundScheduler

/// Schedulers that serve one queue together, cycle by cycle.
struct SeveralSchedulersTests {
    private final class Member {
        let store: any QueueStore
        var state: SchedulerState
        var results: (queries: [QueryResult], deliveries: [DeliveryResult]) = ([], [])

        init(_ store: any QueueStore, _ settings: SchedulerSettings, at now: Timestamp) throws {
            self.store = store
            state = try SchedulerState(takingOver: store, settings, at: now)
        }

        /// Runs one cycle with the results so far.
        func run(_ settings: SchedulerSettings, at now: Timestamp) throws -> Decision {
            let made = try state.cycle(
                over: store,
                results.queries,
                results.deliveries,
                settings,
                clockStep: .zero,
                at: now,
                decidingAt: { now }
            )
            let decision = try #require(made)
            (state, results) = (decision.state, ([], []))
            return decision
        }
    }

    private let database: PostgresFixture
    private let members: [Member]
    private let settings: SchedulerSettings
    private let start = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))

    init() throws {
        database = try PostgresFixture()
        var settings = SchedulerSettings.test
        settings.gateways["default"]?.limits.maxInFlight = 8
        self.settings = settings
        let start = start
        members = try [database.store, database.openStore(), database.openStore()].map {
            try Member($0, settings, at: start)
        }
    }

    @Test func eachRefundIsQueriedByOneAndItsWebhookSentByOne() throws {
        let count = 100
        for number in 1...count { try database.enqueue("R-\(number)") }
        var (queried, sent, now): ([Int64: Int], [String: Int], Timestamp) = ([:], [:], start)
        for _ in 0..<400 {
            now = now.advanced(by: .milliseconds(100))
            var decisions: [Decision] = []
            for member in members { decisions.append(try member.run(settings, at: now)) }
            // Everything is in flight at the same time.
            for (member, decision) in zip(members, decisions) {
                for claim in decision.queries {
                    queried[claim.refund.id, default: 0] += 1
                    let end = QueryAttempt.completed(.report(.settled), duration: .milliseconds(1))
                    member.results.queries.append(QueryResult(claim: claim, sentAt: now, attempt: end))
                }
                for delivery in decision.deliveries {
                    sent[delivery.id, default: 0] += 1
                    let end = DeliveryAttempt.completed(.test(status: 204))
                    member.results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: end))
                }
            }
            if try database.number("SELECT count(*) FROM refund_webhooks WHERE state = 'delivered'") == count { break }
        }
        #expect(queried.count == count && queried.values.allSatisfy { $0 == 1 })
        #expect(sent.count == count && sent.values.allSatisfy { $0 == 1 })
        #expect(try database.number("SELECT count(*) FROM refund_queue WHERE state = 'settled'") == count)
        #expect(try database.store.read { tx throws(StoreError) in try tx.schemaProblems() } == [])
    }

    @Test func endpointThatAcceptsNothingIsProbedByOneAtATimeUntilItAcceptsAgain() throws {
        let count = 60
        for number in 1...count { try database.enqueue("R-\(number)") }
        var (now, probes, isUp): (Timestamp, [Timestamp: Int], Bool) = (start, [:], false)
        func run(every step: Duration, until isDone: () throws -> Bool) throws {
            for _ in 0..<600 {
                now = now.advanced(by: step)
                let decisions = try members.map { try $0.run(settings, at: now) }
                for (member, decision) in zip(members, decisions) {
                    for claim in decision.queries {
                        let end = QueryAttempt.completed(.report(.settled), duration: .milliseconds(1))
                        member.results.queries.append(QueryResult(claim: claim, sentAt: now, attempt: end))
                    }
                    for delivery in decision.deliveries {
                        if delivery.isProbe { probes[now, default: 0] += 1 }
                        let end = DeliveryAttempt.completed(.test(status: isUp ? 204 : 500))
                        member.results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: end))
                    }
                }
                if try isDone() { return }
            }
            Issue.record("it does not end: \(probes)")
        }
        func isOpen() throws -> Bool {
            try database.number("SELECT count(*) FROM refund_breakers WHERE kind = 'endpoint'") == 1
        }
        try run(every: .milliseconds(250)) {
            try isOpen() && members.allSatisfy { $0.state.endpoints.isOpen("shop.example") } && probes.count > 2
        }
        #expect(probes.values.allSatisfy { $0 == 1 }, "\(probes)")
        isUp = true
        // A webhook that was a probe twice waits for five minutes.
        try run(every: .seconds(1)) {
            try database.number("SELECT count(*) FROM refund_webhooks WHERE state = 'delivered'") == count
        }
        #expect(try !isOpen())
        #expect(members.allSatisfy { !$0.state.endpoints.isOpen("shop.example") })
    }

    @Test func oneOfThemPrunes() throws {
        var settings = settings
        settings.retention = RetentionPolicy()
        let sources = members.map { $0.store.makeWakeSource {} }
        defer { for source in sources { source.stop() } }
        var now = start
        func settle(_ order: String) throws {
            try database.enqueue(order)
            for _ in 0..<200 {
                now = now.advanced(by: .milliseconds(100))
                for member in members {
                    let decision = try member.run(settings, at: now)
                    for claim in decision.queries {
                        let end = QueryAttempt.completed(.report(.settled), duration: .milliseconds(1))
                        member.results.queries.append(QueryResult(claim: claim, sentAt: now, attempt: end))
                    }
                    for delivery in decision.deliveries {
                        let end = DeliveryAttempt.completed(.test(status: 204))
                        member.results.deliveries.append(DeliveryResult(delivery: delivery, sentAt: now, attempt: end))
                    }
                }
                let left =
                    "SELECT count(*) FROM refund_queue q WHERE state <> 'settled' OR EXISTS"
                    + " (SELECT 1 FROM refund_webhooks w WHERE w.refund_id = q.id AND w.state <> 'delivered')"
                if try database.number(left) == 0 { return }
            }
            Issue.record("\(order) does not settle")
        }
        try settle("R-1")
        now = now.advanced(by: .seconds(91 * 86_400))
        // Each daemon must have had an answer that vouches for its clock.
        for member in members { member.state.provenTime = now }
        let planned = try members.map { member in try member.run(settings, at: now).pruning }
        #expect(planned.compactMap(\.self).count == 1, "\(planned)")
        let leader = try #require(planned.firstIndex { $0 != nil })
        let request = try #require(planned[leader])
        _ = try members[leader].state.prune(request, over: members[leader].store, settings, at: now)
        #expect(try database.number("SELECT sum(bodies) FROM refund_pruned") == 1)
        // What one has pruned, another one finds no more, should it become the leader.
        let other = (leader + 1) % members.count
        _ = try members[other].state.prune(request, over: members[other].store, settings, at: now)
        #expect(try database.number("SELECT count(*) FROM refund_pruned") == 1)
        #expect(try database.store.read { tx throws(StoreError) in try tx.schemaProblems() } == [])
    }

    @Test func gatewayInTroubleIsReportedOnceAndProbedByOneAtATime() throws {
        for number in 1...30 { try database.enqueue("R-\(number)") }
        var (now, probes, incidents): (Timestamp, [Timestamp: Int], Int) = (start, [:], 0)
        for _ in 0..<400 {
            now = now.advanced(by: .milliseconds(250))
            let decisions = try members.map { try $0.run(settings, at: now) }
            for (member, decision) in zip(members, decisions) {
                incidents += decision.incidents.count
                for claim in decision.queries {
                    if claim.isProbe { probes[now, default: 0] += 1 }
                    let end = QueryAttempt.completed(.unreachable, duration: .milliseconds(1))
                    member.results.queries.append(QueryResult(claim: claim, sentAt: now, attempt: end))
                }
            }
        }
        #expect(probes.values.allSatisfy { $0 == 1 }, "\(probes)")
        // After 1, 2, 4, 8, 16 and 32 s.
        #expect((3...10).contains(probes.count), "\(probes.count)")
        #expect(try database.number("SELECT count(*) FROM refund_breakers WHERE kind = 'gateway'") == 1)
        #expect(
            try database.number("SELECT count(*) FROM refund_events WHERE type LIKE 'gateway%'") == min(incidents, 1)
        )
    }
}
