import RefundCore
import RefundStoreConformance

/// Reads every committed row of ledger and events once, and checks the first two promises on it: no final state without a
/// verified answer or an operator, and every event exactly once.
final class LedgerInvariants {
    struct History {
        static let finalStates: Set = ["settled", "failed", "abandoned"]

        var state = "pending"
        var attention: String?
        var sequence: Int64 = 0
        var reported: Set<String> = []
        /// How many events report its final state.
        var finalEvents = 0
        var isFinal: Bool { Self.finalStates.contains(state) }
    }

    /// What has been read so far.
    struct Progress {
        var histories: [Int64: History] = [:]
        var lastTransition: Int64 = 0
        var lastPosition: Int64 = 0
    }

    /// The gateways whose incidents the events of the last check report.
    private(set) var reportedIncidents: [String] = []
    var progress = Progress()
    private let fixture: any SimulationFixture
    private let application: SimulatedApplication
    private let simulatedOperator: SimulatedOperator
    private let scenario: Scenario

    init(
        _ fixture: any SimulationFixture,
        _ application: SimulatedApplication,
        _ simulatedOperator: SimulatedOperator,
        _ scenario: Scenario
    ) {
        self.fixture = fixture
        self.application = application
        self.simulatedOperator = simulatedOperator
        self.scenario = scenario
    }

    func history(of id: Int64) -> History {
        progress.histories[id] ?? History()
    }

    /// Checks what was committed since the last check.
    ///
    /// - Returns: The transitions, in words.
    func check() throws -> [String] {
        let transitions = try fixture.records(
            "id, refund_id, sequence, from_state, to_state, attention, response, actor",
            "FROM refund_transitions WHERE id > ? ORDER BY id",
            progress.lastTransition
        )
        for row in transitions { try check(transition: row) }
        let events = try fixture.records(
            """
            e.position, e.type, e.refund_id, e.sequence, e.state, e.body, o.id AS webhook_id, w.body AS sent,
            w.refund_id AS webhook_refund_id, w.sequence AS webhook_sequence
            """,
            """
            FROM refund_event_log e LEFT JOIN refund_outbox o ON o.position = e.position
            LEFT JOIN refund_webhooks w ON w.id = o.id WHERE e.position > ? ORDER BY e.position
            """,
            progress.lastPosition
        )
        reportedIncidents = []
        for row in events { try check(event: row) }
        for row in transitions {
            let id = row.number("refund_id") ?? 0
            let history = history(of: id)
            try require(
                history.finalEvents == (history.isFinal ? 1 : 0),
                "#\(id) has \(history.finalEvents) final events"
            )
        }
        return transitions.map { row in
            "#\(row["refund_id"]) \(row["from_state"]) -> \(row["to_state"]) \(row["attention"])"
        }
    }

    private func check(transition row: Record) throws {
        progress.lastTransition = row.id
        let id = row.number("refund_id") ?? 0
        var history = history(of: id)
        let to = row["to_state"]
        let attention = row.text("attention")
        try require(row.number("sequence") == history.sequence + 1, "#\(id): the ledger has a gap")
        try require(row["from_state"] == history.state, "#\(id): the ledger's states do not follow one another")
        try require(to != history.state || attention != history.attention, "#\(id): a ledger row without a change")
        try require(!history.isFinal || to == history.state, "#\(id) leaves the final state \(history.state)")
        if let response = row.text("response") {
            try checkEvidence(
                Array(response.utf8),
                to,
                id,
                isFinal: to != history.state && History.finalStates.contains(to)
            )
        } else if to != history.state {
            try require(
                simulatedOperator.verdicts[id]?.rawValue == to && row["actor"] == SimulatedOperator.name,
                "#\(id) became \(to) without an answer and without an operator"
            )
        }
        history.state = to
        history.attention = attention
        history.sequence += 1
        progress.histories[id] = history
    }

    private func checkEvidence(_ response: [UInt8], _ to: String, _ id: Int64, isFinal: Bool) throws {
        guard let order = application.orders[id], let script = application.script(of: id),
            let status = application.gateway(of: id)?.status(given: response, for: order.order)
        else { throw Violation("#\(id) became \(to) by an answer that its gateway never gave for it") }
        guard isFinal else { return }
        try require(script.state(for: status)?.rawValue == to, "#\(id) became \(to), but the answer says \(status)")
    }

    private func check(event row: Record) throws {
        progress.lastPosition = row.number("position") ?? 0
        guard let type = EventType(rawValue: row["type"]) else { throw Violation("an event of an unknown type") }
        let isRouted = scenario.eventTypes.contains(type)
        let hasWebhook = row.text("webhook_id") != nil
        // A refund.delayed has no webhook while a refund.needs_attention waits.
        let maySkip = type == .delayed && scenario.eventTypes.contains(.needsAttention)
        try require(
            hasWebhook == isRouted || maySkip && !hasWebhook,
            "an event of type \(type.rawValue) has the wrong routing"
        )
        if hasWebhook {
            try require(row["sent"] == row["body"], "event and webhook differ")
            try require(row.number("webhook_refund_id") == row.number("refund_id"), "a webhook of another refund")
            try require(row.number("webhook_sequence") == row.number("sequence"), "a webhook of another change")
        }
        let data = try JSONObject(parsing: row["body"]).object("data")
        guard let id = row.number("refund_id") else {
            return reportedIncidents.append(data?.text("gateway") ?? "")
        }
        var history = history(of: id)
        switch type {
        case .settled, .failed, .abandoned:
            try require(row["state"] == history.state, "#\(id): an event of a state that it is not in")
            history.finalEvents += 1
        case .needsAttention:
            let reason = data?.text("attention") ?? ""
            try require(history.reported.insert(reason).inserted, "#\(id) reports \(reason) twice")
        case .delayed:
            try require(history.reported.insert(type.rawValue).inserted, "#\(id) is reported as delayed twice")
            try require(!history.isFinal, "#\(id) is reported as delayed after its verdict")
        case .processing, .gatewayNeedsAttention: break
        }
        progress.histories[id] = history
    }
}
