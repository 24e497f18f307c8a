import GRDB
import RefundCore
import RefundPayCloud
import RefundStoreSQLite
import RefundTestSupport
import RefundWebhooks

/// What must be true of a world in the end, when everything has been well for long enough.
struct Reckoning {
    let database: SharedDatabase
    let shop: Shop
    let person: Person
    let mailroom: Mailroom
    let scenario: Scenario

    /// Why the world is not done yet, or nil.
    func unfinished() throws -> String? {
        let open = try database.rows("SELECT id FROM refund_queue WHERE state IN ('pending', 'processing')")
        for row in open {
            let id: Int64 = row["id"]
            if shop.fate(of: id)?.verdict != nil { return "#\(id) has no verdict though its gateway knows one" }
        }
        let pending = try database.rows("SELECT id FROM refund_webhooks WHERE state = 'pending' ORDER BY id LIMIT 1")
        return pending.first.map { "webhook \($0["id"] as String) is neither delivered nor dead" }
    }

    func check() throws {
        if let reason = try unfinished() { throw Violation(reason) }
        let refunds = try database.rows("SELECT id, state, attention FROM refund_queue ORDER BY id")
        try promise(Set(refunds.map { $0["id"] as Int64 }) == Set(shop.orders.keys), "refunds were lost")
        for row in refunds {
            try checkEnd(row)
            try checkWebhooks(row)
        }
        try verify()
    }

    /// What an auditor checks finds nothing wrong with what the daemon wrote, whatever happened to it.
    private func verify() throws {
        let store = try RefundStore(path: database.path, access: .readOnly)
        defer { store.close() }
        var last: Int64?
        repeat {
            let batch = try store.read { tx in try tx.histories(after: last, limit: 500) }
            for history in batch.histories {
                let problems = LedgerCheck(history, reread: Self.reread, endpoint: WebhookSender.endpoint(of:)).problems
                try promise(problems.isEmpty, "#\(history.refund.id): \(problems)")
            }
            last = batch.last
        } while last != nil
        let strays = try store.read { tx in try tx.strays() }
        try promise(strays.isEmpty, "\(strays)")
        let troubles = try store.read { tx in try tx.gatewayEvents(after: 0, limit: 1_000_000) }
        let problems =
            troubles.events.flatMap { EventCheck(ofGateway: $0).problems }
            + OutboxCheck(events: troubles.events, webhooks: troubles.webhooks, endpoint: WebhookSender.endpoint(of:))
            .problems
        try promise(problems.isEmpty, "\(problems)")
    }

    private static func reread(_ answer: [UInt8], _ refund: Refund) -> QueryOutcome {
        guard let query = RefundQuery(refund, merchantNo: SimulatedGateway.merchantNo) else {
            return .inconclusive(reason: "no number")
        }
        return GatewayAnswer.outcome(of: answer, for: query, verifiedBy: [SignedAnswer.gatewayPublicKey])
    }

    private func checkEnd(_ row: Row) throws {
        let id: Int64 = row["id"]
        let wanted = person.verdicts[id] ?? shop.fate(of: id)?.verdict?.state
        let state: String = row["state"]
        guard let wanted else {
            return try promise(["pending", "processing"].contains(state), "#\(id) is \(state) without a verdict")
        }
        try promise(state == wanted.rawValue, "#\(id) is \(state) instead of \(wanted)")
    }

    private func checkWebhooks(_ row: Row) throws {
        let id: Int64 = row["id"]
        let webhooks = try database.rows(
            "SELECT id, type, state, attempts, url FROM refund_webhooks WHERE refund_id = ? ORDER BY sequence",
            [id]
        )
        for webhook in webhooks {
            let state: String = webhook["state"]
            let arrived = mailroom.webhooks[webhook["id"]]
            if state == "delivered" { try promise((arrived?.takings ?? 0) > 0, "a webhook of #\(id) was never taken") }
            if state == "dead" {
                let attempts = scenario.retrySchedule.delays.count + 1
                let isSpent: Bool = webhook["attempts"] == attempts
                let wasDisabled = mailroom.disabled.contains(webhook["url"])
                try promise(isSpent || wasDisabled, "a webhook of #\(id) died before its time")
            }
        }
        let attention: String? = row["attention"]
        guard LedgerWatch.History.finalStates.contains(row["state"]) else {
            let isDead = webhooks.contains { $0["state"] == "dead" }
            return try promise(!isDead || attention != nil, "#\(id) has a dead webhook and nobody was told")
        }
        // The event of a final state is the last one, so nothing ever makes its webhook superfluous.
        let last = webhooks.last.map { "\($0["type"] as String) \($0["state"] as String)" }
        let end = "refund.\(row["state"] as String)"
        try promise(
            last == "\(end) delivered" || last == "\(end) dead" && attention == "undeliverable",
            "the end of #\(id) is told to nobody: \(last ?? "no webhook"), attention \(attention ?? "none")"
        )
    }
}
