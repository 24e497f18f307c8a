import RefundCore

/// The member `data` of an answer that verifies: what the gateway says of one refund.
struct RefundData {
    /// Why `data` says nothing about the refund that was asked for.
    struct Doubt: Error {
        let reason: String
    }

    /// In bytes: longer texts cannot be what the field is meant for, and would bloat the queue's rows.
    private static let longestText = 512

    private let object: JSONObject

    /// Reads `data`, which the gateway sends as a JSON string holding the object, or as the object itself.
    ///
    /// - Throws: `Doubt` when there is no object, or more than one.
    init(_ value: JSONValue?) throws(Doubt) {
        let text: String
        switch value {
        case .string(let content): text = content
        case .object(let raw): text = raw
        case nil, .null: throw Doubt(reason: "the gateway's answer has no data")
        case .number, .bool, .array: throw Doubt(reason: "data in the gateway's answer is not an object")
        }
        do {
            object = try JSONObject(parsing: text)
        } catch {
            throw Doubt(reason: "data in the gateway's answer is not an object: \(error)".legible(upTo: 200))
        }
    }

    /// What the gateway says of the refund that was asked for.
    ///
    /// Field names and types: the vendor's Java SDK `paycloud-open/wise-paycloud-open-api-sdk-java` 3.1.2,
    /// `OrderRefundQueryResponse`. Amounts arrive as strings or numbers.
    ///
    /// - Throws: `Doubt` when the data is of another refund, or has a status that refundd does not know.
    func report(for query: RefundQuery) throws(Doubt) -> GatewayReport {
        try check("merchant_order_no", is: query.merchantOrderNo)
        try check("trans_no", is: query.transNo)
        let status = try status()
        var transaction = GatewayTransaction(status: status.rawValue)
        transaction.amount = short("trans_amount")
        transaction.currency = short("price_currency")
        transaction.endAt = short("trans_end_time").flatMap(Timestamp.init(gatewayText:))
        transaction.transNo = short("trans_no")
        transaction.origTransNo = short("orig_trans_no")
        transaction.payChannelTransNo = short("pay_channel_trans_no")
        let failure = status.failure(
            code: short("trans_error_code"),
            message: object["trans_error_msg"]?.text?.legible(upTo: Self.longestText)
        )
        return GatewayReport(status.verdict, transaction, failure: failure)
    }

    // Nothing else ties an answer to its query: a signed answer about another refund must not pass for one about ours.
    private func check(_ name: String, is expected: String?) throws(Doubt) {
        guard let expected else { return }
        guard let echo = object[name]?.text else {
            throw Doubt(reason: "the gateway's answer does not repeat \(name) \(expected.quotedBriefly)")
        }
        guard echo.isSameText(as: expected) else {
            let both = "\(echo.quotedBriefly) instead of \(expected.quotedBriefly)"
            throw Doubt(reason: "the gateway's answer is about \(name) \(both)")
        }
    }

    private func status() throws(Doubt) -> TransStatus {
        guard let text = object["trans_status"]?.text else {
            throw Doubt(reason: "the gateway's answer has no trans_status")
        }
        // `Int(text)` would take `+2` and `02` too.
        guard let status = TransStatus.allCases.first(where: { String($0.rawValue) == text }) else {
            throw Doubt(reason: "unknown trans_status \(text.quotedBriefly)")
        }
        return status
    }

    // An identifier or amount that is cut would be another one, so one that is too long is left out.
    private func short(_ name: String) -> String? {
        object[name]?.text.flatMap { $0.utf8.count <= Self.longestText ? $0 : nil }
    }
}
