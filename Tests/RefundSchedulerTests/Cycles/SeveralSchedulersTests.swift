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
