import Foundation
import GRDB
import RefundCore

/// Reads every row that is committed, once, and checks the first two promises on it: no final state without a true
/// answer or a person, and every event exactly once.
final class LedgerWatch {
    struct History {
        var state = "pending"
        var attention: String?
        var sequence: Int64 = 0
        var told: Set<String> = []
        /// The events of its final state.
        var endings = 0
        var isFinal: Bool { Self.finalStates.contains(state) }

        static let finalStates: Set = ["settled", "failed", "abandoned"]
    }

    /// The gateways whose trouble the events of the last look tell.
    private(set) var troublesTold: [String] = []
    private(set) var histories: [Int64: History] = [:]
    private let database: SharedDatabase
    private let shop: Shop
    private let person: Person
    private let scenario: Scenario
    private var lastTransition: Int64 = 0
    private var lastPosition: Int64 = 0

    init(_ database: SharedDatabase, _ shop: Shop, _ person: Person, _ scenario: Scenario) {
        self.database = database
        self.shop = shop
        self.person = person
        self.scenario = scenario
    }

    func history(of id: Int64) -> History {
        histories[id] ?? History()
    }

    /// Checks what was committed since the last look.
    ///
    /// - Returns: The transitions, in words.
    func look() throws -> [String] {
        let transitions = try database.rows(
            "SELECT * FROM refund_transitions WHERE id > ? ORDER BY id",
            [lastTransition]
        )
        for row in transitions { try check(transition: row) }
        let events = try database.rows(
            """
            SELECT e.*, o.id AS webhook_id, w.body AS sent, w.url, w.refund_id AS webhook_refund_id,
            w.sequence AS webhook_sequence
            FROM refund_event_log e LEFT JOIN refund_outbox o USING (position) LEFT JOIN refund_webhooks w ON w.id = o.id
            WHERE e.position > ? ORDER BY e.position
            """,
            [lastPosition]
        )
        troublesTold = []
        for row in events { try check(event: row) }
        for row in transitions {
            let id: Int64 = row["refund_id"]
            let history = history(of: id)
            try promise(history.endings == (history.isFinal ? 1 : 0), "#\(id) has \(history.endings) final events")
        }
        return transitions.map { row in
            let id: Int64 = row["refund_id"]
            let attention: String? = row["attention"]
            return "#\(id) \(row["from_state"] as String) -> \(row["to_state"] as String) \(attention ?? "")"
        }
    }

    private func check(transition row: Row) throws {
        lastTransition = row["id"]
        let id: Int64 = row["refund_id"]
        var history = history(of: id)
        let to: String = row["to_state"]
        let attention: String? = row["attention"]
        try promise(row["sequence"] == history.sequence + 1, "#\(id): the ledger has a gap")
        try promise(row["from_state"] == history.state, "#\(id): the ledger's states are no chain")
        try promise(to != history.state || attention != history.attention, "#\(id): a ledger row without a change")
        try promise(!history.isFinal || to == history.state, "#\(id) leaves the final state \(history.state)")
        if let response: [UInt8] = (row["response"] as Data?).map(Array.init) {
            try checkEvidence(response, row, id, isFinal: to != history.state && History.finalStates.contains(to))
        } else if to != history.state {
            try promise(
                person.verdicts[id]?.rawValue == to && row["actor"] == Person.name,
                "#\(id) became \(to) without an answer and without a person"
            )
        }
        history.state = to
        history.attention = attention
        history.sequence += 1
        histories[id] = history
    }

    private func checkEvidence(_ response: [UInt8], _ row: Row, _ id: Int64, isFinal: Bool) throws {
        let to: String = row["to_state"]
        guard let order = shop.orders[id], let fate = shop.fate(of: id),
            let status = shop.gateway(of: id)?.status(given: response, for: order.order)
        else { throw Violation("#\(id) became \(to) by an answer that its gateway never gave for it") }
        guard isFinal else { return }
        try promise(
            fate.state(for: status)?.rawValue == to,
            "#\(id) became \(to), but the answer says \(status)"
        )
    }

    private func check(event row: Row) throws {
        lastPosition = row["position"]
        guard let type = EventType(rawValue: row["type"]) else { throw Violation("an event of an unknown type") }
        let webhookID: String? = row["webhook_id"]
        let isRouted = scenario.eventTypes.contains(type)
        try promise((webhookID != nil) == isRouted, "an event of type \(type.rawValue) has the wrong routing")
        if isRouted {
            let body: String = row["body"]
            try promise((row["sent"] as Data?).map(Array.init) == Array(body.utf8), "event and webhook differ")
            try promise(row["webhook_refund_id"] as Int64? == row["refund_id"] as Int64?, "a webhook of another refund")
            try promise(row["webhook_sequence"] as Int64? == row["sequence"] as Int64?, "a webhook of another change")
        }
        let data = try JSONObject(parsing: row["body"] as String).object("data")
        guard let id = row["refund_id"] as Int64? else {
            return troublesTold.append(data?.text("gateway") ?? "")
        }
        var history = history(of: id)
        switch type {
        case .settled, .failed, .abandoned:
            try promise(row["state"] == history.state, "#\(id): an event of a state that it is not in")
            history.endings += 1
        case .needsAttention:
            let reason = data?.text("attention") ?? ""
            try promise(history.told.insert(reason).inserted, "#\(id) told \(reason) twice")
        case .processing, .gatewayNeedsAttention: break
        }
        histories[id] = history
    }
}
