import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundStore

/// A refund with its whole history, as `show` shows it.
struct RefundReport {
    /// A webhook with its attempts.
    struct Webhook {
        var row: WebhookRow
        var attempts: [AttemptRow]
        var nextAttempt: NextStep
    }

    let now: Timestamp
    let refund: Refund
    var ledger: [LedgerRow] = []
    var webhooks: [Webhook] = []
    var actions: [ActionRow] = []
    var nextQuery: NextStep
    /// The configured merchant number that queries use, if the row names none.
    var configuredMerchantNo: String?

    /// Creates the report on a refund without history.
    init(of refund: Refund, nextQuery: NextStep, at now: Timestamp) {
        (self.now, self.refund, self.nextQuery) = (now, refund, nextQuery)
    }

    /// Reads the report on a refund.
    init(
        of refund: Refund,
        _ tx: any QueueReader,
        _ configuration: DatabaseConfiguration,
        at now: Timestamp
    ) throws(StoreError) {
        let outlook = try Outlook(tx, configuration, at: now)
        self.init(of: refund, nextQuery: outlook.nextQuery(refund), at: now)
        if refund.merchantNo == nil {
            configuredMerchantNo = configuration.whole?.gateways[refund.gateway]?.merchantNo
        }
        let record = try RefundRecord(of: refund, tx)
        (ledger, actions) = (record.ledger, record.actions)
        webhooks = record.webhooks.map { Webhook(row: $0, attempts: $1, nextAttempt: outlook.nextAttempt($0)) }
    }

    /// What an operator can do; nil if the refund needs no attention.
    var advice: AttentionAdvice? {
        let dead = webhooks.last { $0.row.state == WebhookState.dead.rawValue }
        return AttentionAdvice(on: refund, deadWebhook: dead?.row.id)
    }

    /// When the refund's attention was set.
    var attentionSince: Timestamp? { ledger.cause(of: refund.attention)?.at }

    /// Writes the members of the JSON document.
    func write(to json: inout JSONWriter) {
        refund.write(to: &json, as: "refund")
        json.array("transitions") { json in
            for row in ledger { row.write(to: &json) }
        }
        json.array("webhooks") { json in
            for webhook in webhooks {
                webhook.row.write(to: &json) { json in
                    json.array("attempt_log") { json in
                        for attempt in webhook.attempts { attempt.write(to: &json) }
                    }
                    webhook.nextAttempt.write("next_attempt", to: &json)
                }
            }
        }
        json.array("actions") { json in
            for action in actions { action.write(to: &json) }
        }
        nextQuery.write("next_query", to: &json)
        json.string("configured_merchant_no", configuredMerchantNo)
        json.time("attention_since", attentionSince)
        json.string("advice", advice?.text)
        json.strings("commands", advice?.commands ?? [])
    }
}

extension [LedgerRow] {
    /// The row that set a refund's attention: the reason has held since the last row with another one.
    func cause(of attention: Attention?) -> LedgerRow? {
        guard let attention else { return nil }
        let start = lastIndex { $0.attention != attention.rawValue }.map { $0 + 1 } ?? 0
        return dropFirst(start).first
    }
}
