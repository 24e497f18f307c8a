import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreConformance

/// An operator who runs commands at any time, whether or not the daemon runs.
final class SimulatedOperator {
    /// What the operator did.
    enum Command {
        case ended(Int64, RefundState)
        case queried(Int64)
        case redelivered(String)
    }

    static let name = "alice"

    /// The refunds that the operator wanted queried at once, with the time of the last command.
    var wanted: [Int64: Timestamp] = [:]
    /// The refunds that the operator ended, with their state.
    var verdicts: [Int64: RefundState] = [:]
    private let fixture: any SimulationFixture
    private let scenario: Scenario
    private let context: EventContext
    private var random: SplitMix64

    init(_ fixture: any SimulationFixture, _ scenario: Scenario, random: SplitMix64) {
        self.fixture = fixture
        self.scenario = scenario
        self.random = random
        let merchants = SimulatedConfiguration.gateways.map { ($0, SimulatedGateway.merchantNo) }
        context = EventContext(
            routing: SimulatedConnections.routing(scenario),
            merchantNumbers: Dictionary(uniqueKeysWithValues: merchants)
        )
    }

    /// Looks at what needs attention, and acts on some of it.
    func work(_ clock: VirtualClock) throws -> [Command] {
        let refunds = try fixture.records(
            "id",
            "FROM refund_queue WHERE attention IS NOT NULL AND state IN ('pending', 'processing') ORDER BY id"
        )
        let webhooks = try fixture.records(
            "id, pruned_at",
            "FROM refund_outbox WHERE state <> 'pending' AND leased_until IS NULL ORDER BY position"
        )
        var commands: [Command] = []
        for record in refunds where random.chance(0.25) {
            commands.append(try attend(to: record.id, clock))
        }
        for record in webhooks where random.chance(0.05) && record.number("pruned_at") == nil {
            let id = record["id"]
            let result = try fixture.store.write { tx throws(StoreError) in
                try tx.redeliver(id, by: Self.name, at: clock.wall)
            }
            try require(result == .due, "webhook \(id) is not sent again")
            commands.append(.redelivered(id))
        }
        return commands
    }

    private func attend(to id: Int64, _ clock: VirtualClock) throws -> Command {
        if random.chance(0.4) {
            try fixture.store.write { tx throws(StoreError) in
                try tx.requestQuery(id, by: Self.name, at: clock.wall)
            }
            wanted[id] = clock.wall
            return .queried(id)
        }
        let verdict = random.pick([nil, nil, Verdict.settled, .failed])
        let ended = try fixture.store.write { tx throws(StoreError) -> RefundState? in
            guard let row = try tx.refund(id: id) else { return nil }
            var machine = RefundStateMachine(row.refund, policy: scenario.configuration.polling)
            let reason = "the bank says so"
            let transitions =
                if let verdict {
                    machine.resolved(as: verdict, reason: reason, actor: Self.name, at: clock.wall)
                } else {
                    machine.abandoned(reason: reason, actor: Self.name, at: clock.wall)
                }
            try tx.write(
                RefundChange(machine.refund, transitions, on: row, endsLease: false, context, using: &random)
            )
            return machine.refund.state
        }
        guard let ended else { throw Violation("#\(id) is gone") }
        verdicts[id] = ended
        return .ended(id, ended)
    }
}
