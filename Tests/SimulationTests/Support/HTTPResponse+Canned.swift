import RefundCore
import RefundHTTP

extension HTTPResponse {
    /// A response as the HTTP client would read it.
    static func canned(_ status: Int, fields: [String] = [], body: [UInt8] = []) -> HTTPResponse {
        var head = ResponseHead()
        for line in ["HTTP/1.1 \(status) Status"] + fields + [""] { head.add(Array("\(line)\r\n".utf8)) }
        return HTTPResponse(status: status, head: head, body: body, duration: .milliseconds(20))
    }
}

extension Timestamp {
    /// An HTTP date such as `Fri, 31 Dec 1999 23:59:59 GMT`; readers ignore the name of the day.
    var httpDate: String {
        let text = iso8601Seconds
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let month = months[(Int(text.dropFirst(5).prefix(2)) ?? 1) - 1]
        let day = text.dropFirst(8).prefix(2)
        return "Thu, \(day) \(month) \(text.prefix(4)) \(text.dropFirst(11).prefix(8)) GMT"
    }
}
