import GRDB
import RefundCore
import RefundStore
import RefundTestSupport

@testable import RefundDaemon

/// A person with the commands: ends refunds that nobody else will, while the daemon runs or not.
final class Person {
    static let name = "alice"

    /// The refunds that the person ended, with the state.
    private(set) var verdicts: [Int64: RefundState] = [:]
    private var random: SeededRandom

    init(random: SeededRandom) {
        self.random = random
    }

    /// Looks at what needs attention and ends some of it.
    func look(at database: SharedDatabase, _ scenario: Scenario, _ clock: VirtualClock) throws -> [String] {
        let rows = try database.rows(
            "SELECT id FROM refund_queue WHERE attention IS NOT NULL AND state IN ('pending', 'processing') ORDER BY id"
        )
        let ids: [Int64] = rows.map { $0[0] }
        return try ids.filter { _ in random.chance(0.2) }.map { id in
            try abandon(id, path: database.path, scenario, clock)
            return "\(Self.name) abandons #\(id)"
        }
    }

    private func abandon(_ id: Int64, path: String, _ scenario: Scenario, _ clock: VirtualClock) throws {
        let store = try RefundStore(path: path, access: .existing)
        defer { store.close() }
        let context = StoreTransaction.EventContext(
            routing: Edges.routing(scenario),
            merchantNo: { $0.merchantNo },
            makeWebhookID: { [self] in "msg_\(Self.name)\(random.next())" }
        )
        try store.transaction { tx in
            guard let refund = try tx.refund(id: id), !refund.state.isFinal else { return }
            var machine = RefundStateMachine(refund, policy: scenario.setup.polling)
            let transitions = machine.abandoned(reason: "the shop paid it", actor: Self.name, at: clock.wall)
            verdicts[id] = .abandoned
            try tx.apply(machine.refund, transitions, endsLease: false, context)
        }
    }
}
