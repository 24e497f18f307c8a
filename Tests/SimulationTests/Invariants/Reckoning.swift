import GRDB
import RefundCore

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
