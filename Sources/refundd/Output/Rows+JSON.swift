import RefundCore
import RefundStore

// Each row is one JSON object with the names of the table's columns.

extension Refund {
    func write(to json: inout JSONWriter, as name: String? = nil, _ more: (inout JSONWriter) -> Void = { _ in }) {
        json.object(name) { json in
            json.number("id", id)
            json.string("merchant_order_no", merchantOrderNo)
            json.string("trans_no", transNo)
            json.string("merchant_no", merchantNo)
            json.string("gateway", gateway)
            json.string("expected_amount", expected?.amount)
            json.string("expected_currency", expected?.currency)
            json.string("callback_url", callbackURL)
            json.string("metadata", metadata)
            json.string("state", state.rawValue)
            json.string("attention", attention?.rawValue)
            json.number("trans_status", transaction?.status)
            json.string("trans_amount", transaction?.amount)
            json.string("trans_currency", transaction?.currency)
            json.time("trans_end_at", transaction?.endAt)
            json.string("failure_code", failure?.code)
            json.string("failure_message", failure?.message)
            json.number("attempts", attempts)
            json.time("last_query_at", lastQueryAt)
            json.string("last_error", lastError)
            json.time("created_at", createdAt)
            json.time("updated_at", updatedAt)
            json.time("next_query_at", nextQueryAt)
            json.string("gateway_trans_no", transaction?.transNo)
            json.string("orig_trans_no", transaction?.origTransNo)
            json.string("pay_channel_trans_no", transaction?.payChannelTransNo)
            more(&json)
        }
    }
}

extension LedgerRow {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.number("id", id)
            json.number("refund_id", refundID)
            json.number("sequence", sequence)
            json.time("at", at)
            json.string("from_state", from)
            json.string("to_state", to)
            json.string("attention", attention)
            json.string("reason", reason)
            json.number("trans_status", transStatus)
            json.string("code", code)
            json.string("psn", psn)
            json.string("response", response.map { String(decoding: $0, as: UTF8.self) })
            json.string("actor", actor)
        }
    }
}

extension WebhookRow {
    func write(to json: inout JSONWriter, _ more: (inout JSONWriter) -> Void = { _ in }) {
        json.object { json in
            json.string("id", id)
            json.number("refund_id", refundID)
            json.number("sequence", sequence)
            json.string("type", type)
            json.string("url", url)
            json.string("body", String(decoding: body, as: UTF8.self))
            json.string("state", state)
            json.number("attempts", attempts)
            json.time("next_attempt_at", nextAttemptAt)
            json.number("last_status", lastStatus)
            json.string("last_error", lastError)
            json.time("created_at", createdAt)
            json.time("delivered_at", deliveredAt)
            json.time("pruned_at", prunedAt)
            more(&json)
        }
    }
}

extension AttemptRow {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.time("at", at)
            json.number("status", status)
            json.string("error", error)
            json.number("duration_ms", durationMilliseconds)
            json.string("answer", answer.map { String(decoding: $0, as: UTF8.self) })
        }
    }
}

extension ActionRow {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.time("at", at)
            json.string("actor", actor)
            json.string("action", action)
            json.string("webhook_id", webhookID)
        }
    }
}

extension EventRow {
    /// The event as one line of JSON.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.number("position", position)
            json.time("at", at)
            json.string("type", type)
            json.number("refund_id", refundID)
            json.string("merchant_order_no", merchantOrderNo)
            json.string("state", state)
            json.string("body", body)
        }
    }
}

extension JSONWriter {
    /// Writes a time as Unix milliseconds, or null.
    mutating func time(_ name: String, _ time: Timestamp?) {
        number(name, time?.milliseconds)
    }
}
