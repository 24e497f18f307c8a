package import RefundCore

/// The member `data` of a verified answer: what PayCloud says about one refund.
struct RefundData {
    // In bytes. A longer text cannot be what the field is meant for, and would bloat the rows of the queue.
    private static let longestText = 512

    private let object: JSONObject

    /// Reads `data`, which PayCloud sends as a JSON string containing the object, or as the object itself.
    ///
    /// The signature covers the text, so it may be read tolerantly.
    ///
    /// - Throws: `AnswerDoubt` if there is not exactly one object.
    init(_ value: JSONValue?) throws(AnswerDoubt) {
        let text: String
        switch value {
        case .string(let content): text = content
        case .object(let raw): text = raw
        case nil, .null: throw AnswerDoubt(reason: "the gateway's answer has no data")
        case .number, .bool, .array: throw AnswerDoubt(reason: "data in the gateway's answer is not an object")
        }
        do {
            object = try JSONObject(parsing: text, .tolerant(surrogate: "\u{FFFD}"))
        } catch {
            let reason = "data in the gateway's answer is not an object: \(error)"
            throw AnswerDoubt(reason: reason.sanitized(maxLength: 200))
        }
    }

    /// What PayCloud says about the refund that was queried.
    ///
    /// Field names and types: the vendor's Java SDK `paycloud-open/wise-paycloud-open-api-sdk-java` 3.1.2,
    /// `OrderRefundQueryResponse`. Amounts are strings or numbers.
    ///
    /// - Throws: `AnswerDoubt` if the data is about something else, or has a status that refundd does not know.
    func report(for query: RefundQuery, _ binding: AnswerBinding) throws(AnswerDoubt) -> GatewayReport {
        try checkEcho("merchant_order_no", is: query.merchantOrderNo, binding)
        try checkEcho("trans_no", is: query.transNo, binding)
        try binding.check(object)
        let status = try status()
        var transaction = GatewayTransaction(status: status.rawValue)
        transaction.amount = short("trans_amount").flatMap(DecimalAmount.plainText)
        transaction.currency = short("price_currency")
        transaction.endAt = short("trans_end_time").flatMap(Timestamp.init(gatewayText:))
        transaction.transNo = short("trans_no")
        transaction.origTransNo = short("orig_trans_no")
        transaction.payChannelTransNo = short("pay_channel_trans_no")
        let failure = status.failure(
            code: short("trans_error_code"),
            message: object["trans_error_msg"]?.text?.sanitized(maxLength: Self.longestText)
        )
        return GatewayReport(status.verdict, transaction, failure: failure)
    }

    private func checkEcho(
        _ name: String,
        is expected: String?,
        _ binding: AnswerBinding
    ) throws(AnswerDoubt) {
        guard let expected else { return }
        guard let echo = object[name]?.text else {
            throw AnswerDoubt(reason: "the gateway's answer does not repeat \(name) \(expected.quoted(maxLength: 80))")
        }
        try binding.checkEcho(echo, of: name, is: expected)
    }

    private func status() throws(AnswerDoubt) -> TransStatus {
        guard let text = object["trans_status"]?.text else {
            throw AnswerDoubt(reason: "the gateway's answer has no trans_status")
        }
        // `Int(text)` would accept `+2` and `02` too.
        guard let status = TransStatus.allCases.first(where: { String($0.rawValue) == text }) else {
            throw AnswerDoubt(reason: "unknown trans_status \(text.quoted(maxLength: 80))")
        }
        return status
    }

    // A truncated identifier would be a different one, so an identifier that is too long is left out.
    private func short(_ name: String) -> String? {
        guard let text = object[name]?.text, text.utf8.count <= Self.longestText else { return nil }
        return text.sanitized(maxLength: Self.longestText)
    }
}

/// The values of `trans_status` that PayCloud documents, with what they mean for a refund.
///
/// Source: the vendor's Java SDK 3.1.2, `OrderRefundQueryResponse`; the meaning for refunds follows its wording.
package enum TransStatus: Int, Sendable, CaseIterable {
    /// Accepted, not started.
    case created = 9
    /// In progress.
    case inProgress = 0
    /// Closed: the refund failed.
    case closed = 1
    /// Refunded.
    case succeeded = 2
    /// Cancelled.
    case cancelled = 3

    /// What this status says became of the refund.
    package var verdict: GatewayVerdict {
        switch self {
        case .created, .inProgress: .processing
        case .succeeded: .settled
        case .closed, .cancelled: .failed
        }
    }

    /// Why a refund with this status failed.
    ///
    /// - Parameters:
    ///   - code: `trans_error_code`, which PayCloud gives for a closed refund only.
    ///   - message: `trans_error_msg`.
    /// - Returns: Nil unless the verdict is `failed`.
    func failure(code: String?, message: String?) -> Failure? {
        switch self {
        case .created, .inProgress, .succeeded: nil
        case .closed: Failure(code: code ?? "closed", message: message)
        case .cancelled: Failure(code: "cancelled", message: message)
        }
    }
}

extension Timestamp {
    /// Reads PayCloud's form `yyyy-MM-dd HH:mm:ss`, which is always UTC.
    ///
    /// Source: <https://developer.codepay.us/docs/BasicRules> ("all dates are in UTC+00:00").
    ///
    /// - Returns: The time, or nil when the text is not exactly of that form.
    package init?(gatewayText text: String) {
        guard text.utf8.count == 19, text.utf8.dropFirst(10).first == UInt8(ascii: " ") else { return nil }
        self.init(iso8601: text)
    }
}
