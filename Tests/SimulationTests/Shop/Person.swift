import GRDB
import RefundCore
import RefundStoreSQLite
import RefundTestSupport

/// A person with the commands, used at any time, whether the daemon runs or not.
final class Person {
    /// What the person did.
    enum Deed {
        case ended(Int64, RefundState)
        case queried(Int64)
        case redelivered(String)
    }

    static let name = "alice"

    /// The refunds that the person wanted asked for at once, with the time of the latest wish.
    private(set) var wanted: [Int64: Timestamp] = [:]
    /// The refunds that the person ended, with the state.
    private(set) var verdicts: [Int64: RefundState] = [:]
    private var random: SeededRandom

    init(random: SeededRandom) {
        self.random = random
    }

    /// Looks at what needs attention and does something about some of it.
    func look(at database: SharedDatabase, _ scenario: Scenario, _ clock: VirtualClock) throws -> [Deed] {
        let refunds = try database.rows(
            "SELECT id FROM refund_queue WHERE attention IS NOT NULL AND state IN ('pending', 'processing') ORDER BY id"
        )
        let webhooks = try database.rows(
            "SELECT id FROM refund_outbox WHERE state <> 'pending' AND leased_until IS NULL ORDER BY position"
        )
        let store = try RefundStore(path: database.path, access: .existing)
        defer { store.close() }
        var deeds: [Deed] = []
        for row in refunds where random.chance(0.25) {
            deeds.append(try attend(to: row["id"], store, scenario, clock))
        }
        for row in webhooks where random.chance(0.05) {
            let id: String = row["id"]
            let result = try store.transaction { tx in try tx.redeliver(id, by: Self.name, at: clock.wall) }
            try promise(result == .due, "webhook \(id) is not sent again")
            deeds.append(.redelivered(id))
        }
        return deeds
    }

    private func attend(
        to id: Int64,
        _ store: RefundStore,
        _ scenario: Scenario,
        _ clock: VirtualClock
    ) throws -> Deed {
        if random.chance(0.4) {
            try store.transaction { tx in try tx.requestQuery(id, by: Self.name, at: clock.wall) }
            wanted[id] = clock.wall
            return .queried(id)
        }
        let context = StoreTransaction.EventContext(
            routing: Edges.routing(scenario),
            merchantNo: { $0.merchantNo },
            makeWebhookID: { [self] _ in "msg_\(Self.name)\(random.next())" }
        )
        let verdict = random.pick([nil, nil, Verdict.settled, .failed])
        return try store.transaction { tx in
            guard let refund = try tx.refund(id: id) else { throw Violation("#\(id) is gone") }
            var machine = RefundStateMachine(refund, policy: scenario.setup.polling)
            let reason = "the bank says so"
            let transitions =
                if let verdict {
                    machine.resolved(as: verdict, reason: reason, actor: Self.name, at: clock.wall)
                } else {
                    machine.abandoned(reason: reason, actor: Self.name, at: clock.wall)
                }
            verdicts[id] = machine.refund.state
            try tx.apply(machine.refund, transitions, endsLease: false, context)
            return .ended(id, machine.refund.state)
        }
    }
}
