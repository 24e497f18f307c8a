import RefundCore

/// What a line of the request log says of one request.
struct RequestRecord {
    var receivedAt: Timestamp
    var path: String
    /// The refund's number that the request names, authentic or not.
    var number: RefundNumber?
    /// Whether the request passed every check.
    var isAccepted = false
    var httpStatus: Int?
    /// The `code` of the answer.
    var code: String?
    /// The `trans_status` of the answer.
    var status: Int?
    var fault: Fault?
    /// The accepted queries for the refund so far, this one included.
    var queries: Int?

    init(receivedAt: Timestamp, path: String) {
        self.receivedAt = receivedAt
        self.path = path
    }

    /// One line of JSON, its end included.
    var line: String {
        var json = JSONText()
        json.object { json in
            json.number("at", receivedAt.milliseconds)
            json.string("path", path)
            json.number(of: number)
            json.string("verdict", isAccepted ? "answered" : "refused")
            json.number("http_status", httpStatus)
            json.string("code", code)
            json.number("trans_status", status)
            json.string("fault", fault?.rawValue)
            json.number("queries", queries)
        }
        return json.text + "\n"
    }
}
