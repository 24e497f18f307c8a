/// The body of an event as stored.
struct RecordedEvent {
    /// The members of `data` except the metadata.
    let data: JSONObject
    private let metadata: String?

    private static let metadataName = Array(#","metadata":"#.utf8)
    private static let end = Array("}}".utf8)

    /// Reads a body.
    ///
    /// The metadata is cut off first: it may be nested as deeply as the reader allows, and the body nests it deeper.
    ///
    /// - Returns: Nil for a body that refundd did not write.
    init?(_ body: [UInt8]) {
        var head = body
        if let name = body.firstRange(of: Self.metadataName) {
            let rest = body[name.upperBound...]
            guard rest.count > 2, rest.suffix(2).elementsEqual(Self.end) else { return nil }
            metadata = String(decoding: rest.dropLast(2), as: UTF8.self)
            head = body[..<name.lowerBound] + Self.end
        } else {
            metadata = nil
        }
        guard let whole = try? JSONObject(parsing: head), case .object(let text) = whole["data"],
            let data = try? JSONObject(parsing: text)
        else { return nil }
        self.data = data
    }

    /// The text of a member, or nil if it is not a string.
    func text(_ name: String) -> String? {
        guard case .string(let text) = data[name] else { return nil }
        return text
    }

    /// The number of a member, or nil if it is not a whole number.
    func number(_ name: String) -> Int? {
        guard case .number(let text) = data[name] else { return nil }
        return Int(text)
    }

    /// The metadata in the row when the event was written; the application may have changed it since.
    ///
    /// - Parameter row: The row's current metadata, returned if the event's metadata is not a JSON object.
    /// - Returns: The metadata, or nil if the event has none.
    func metadata(row: String?) -> String? {
        guard let metadata, metadata != "null" else { return nil }
        return (try? JSONObject(parsing: metadata)) == nil ? row : metadata
    }

    /// The transaction as last reported, which the ledger keeps only for reports that changed something.
    var transaction: GatewayTransaction? {
        guard let status = number("trans_status") else { return nil }
        var transaction = GatewayTransaction(status: status)
        transaction.amount = text("amount")
        transaction.currency = text("currency")
        transaction.endAt = text("trans_end_time").flatMap(Timestamp.init(iso8601:))
        transaction.transNo = text("trans_no")
        transaction.origTransNo = text("orig_trans_no")
        transaction.payChannelTransNo = text("pay_channel_trans_no")
        return transaction
    }
}
