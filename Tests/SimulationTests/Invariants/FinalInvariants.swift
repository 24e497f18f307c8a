import RefundCore
import RefundPayCloud
import RefundStore
import RefundStoreConformance
import RefundTestSupport

/// What holds in the end, once everything has been healthy for long enough.
struct FinalInvariants {
    let fixture: any SimulationFixture
    let application: SimulatedApplication
    let simulatedOperator: SimulatedOperator
    let receivers: ReceiverPool
    let scenario: Scenario

    /// What is left to do, or nil.
    func unfinished() throws -> String? {
        for row in try fixture.records("id", "FROM refund_queue WHERE state IN ('pending', 'processing')")
        where application.script(of: row.id)?.verdict != nil {
            return "#\(row.id) has no verdict though its gateway knows one"
        }
        let pending = try fixture.records("id", "FROM refund_outbox WHERE state = 'pending' ORDER BY id LIMIT 1")
        return pending.first.map { "webhook \($0["id"]) is neither delivered nor dead" }
    }

    func check() throws {
        if let reason = try unfinished() { throw Violation(reason) }
        let refunds = try fixture.records("id, state, attention", "FROM refund_queue ORDER BY id")
        let pruned = try fixture.records("refund_id AS id, state", "FROM refund_pruned_refunds")
        try require(scenario.retention.ledger != nil || pruned.isEmpty, "refunds were pruned that are kept for ever")
        try require(Set((refunds + pruned).map(\.id)) == Set(application.orders.keys), "refunds were lost")
        for row in pruned { try checkState(row) }
        for row in refunds {
            try checkState(row)
            try checkWebhooks(row)
        }
        try verify()
    }

    /// Whatever happened to the daemon, an auditor finds nothing wrong with what it wrote.
    private func verify() throws {
        let store = fixture.store
        var last: Int64?
        repeat {
            let batch = try store.read { tx throws(StoreError) in try tx.histories(after: last, limit: 500) }
            try require(batch.problems.isEmpty, "\(batch.problems)")
            for history in batch.histories {
                let problems = LedgerCheck(history, reread: Self.reread, endpoint: HTTPURL.endpoint(of:)).problems
                try require(problems.isEmpty, "#\(history.refund.id): \(problems)")
            }
            last = batch.last
        } while last != nil
        let schema = try store.read { tx throws(StoreError) in try tx.schemaProblems() }
        try require(schema.isEmpty, "\(schema)")
        let gateways = try store.read { tx throws(StoreError) in try tx.gatewayEvents(after: 0, limit: 1_000_000) }
        let problems =
            gateways.events.flatMap { EventCheck(ofGateway: $0).problems }
            + OutboxCheck(
                events: gateways.events,
                webhooks: gateways.webhooks,
                endpoint: HTTPURL.endpoint(of:)
            ).problems
        try require(problems.isEmpty, "\(problems)")
    }

    private static func reread(_ answer: [UInt8], _ refund: Refund) -> QueryOutcome {
        guard let query = RefundQuery(refund, merchantNo: refund.merchantNo ?? SimulatedGateway.merchantNo) else {
            return .inconclusive(reason: "no number")
        }
        return GatewayAnswer.outcome(of: answer, for: query, verifiedBy: [SignedAnswer.gatewayPublicKey])
    }

    private func checkState(_ row: Record) throws {
        let expected = simulatedOperator.verdicts[row.id] ?? application.script(of: row.id)?.verdict?.state
        let state = row["state"]
        guard let expected else {
            return try require(["pending", "processing"].contains(state), "#\(row.id) is \(state) without a verdict")
        }
        try require(state == expected.rawValue, "#\(row.id) is \(state) instead of \(expected)")
    }

    private func checkWebhooks(_ row: Record) throws {
        let webhooks = try fixture.records(
            "id, type, state, attempts, url",
            "FROM refund_webhooks WHERE refund_id = ? ORDER BY sequence",
            row.id
        )
        for webhook in webhooks {
            switch webhook["state"] {
            case "delivered":
                let acceptances = receivers.webhooks[webhook["id"]]?.acceptances ?? 0
                try require(acceptances > 0, "a delivered webhook of #\(row.id) was never accepted")
            case "dead":
                let isSpent = webhook.number("attempts") == Int64(scenario.retrySchedule.delays.count + 1)
                let wasDisabled = receivers.disabled.contains(webhook["url"])
                try require(isSpent || wasDisabled, "a webhook of #\(row.id) died before its last retry")
            default: break
            }
        }
        let attention = row.text("attention")
        guard LedgerInvariants.History.finalStates.contains(row["state"]) else {
            let isDead = webhooks.contains { $0["state"] == "dead" }
            return try require(!isDead || attention != nil, "#\(row.id) has a dead webhook and needs no attention")
        }
        // The event of a final state is the last one, so nothing ever supersedes its webhook.
        let last = webhooks.last.map { "\($0["type"]) \($0["state"])" }
        let end = "refund.\(row["state"])"
        try require(
            last == "\(end) delivered" || last == "\(end) dead" && attention == "undeliverable",
            "the end of #\(row.id) is reported to nobody: \(last ?? "no webhook"), attention \(attention ?? "none")"
        )
    }
}
