extension Fault {
    /// The reply of a gateway that does not get as far as an answer.
    var replyWithoutAnswer: Reply? {
        switch self {
        case .http429: .html(status: 429, title: "429 Too Many Requests")
        case .http503: .html(status: 503, title: "503 Service Temporarily Unavailable")
        case .html: .html(status: 200, title: "Maintenance")
        case .notJSON: .json(Array("the gateway is busy".utf8))
        case .notUTF8: .json(Array("{\"code\":\"0\",\"msg\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8))
        case .close: .close
        case .reset: .reset
        case .hang: .hang
        case .wrongSignature, .unsigned, .emptySign, .otherOrder, .truncated, .huge, .duplicateMember, .unknownStatus,
            .credentials, .notAuthorised:
            nil
        }
    }

    /// The refusal that is given although the request is in order.
    var refusal: Refusal? {
        switch self {
        case .credentials: .credentials("the signature is wrong")
        case .notAuthorised: .notAuthorised(method: "order.refund.query")
        default: nil
        }
    }

    /// Makes the business part one of another refund, or one that nobody understands.
    func spoil(_ data: inout RefundData) {
        switch self {
        case .otherOrder:
            data.orderNo = "ANOTHER-ORDER"
            data.transNo = "410000000000000000000"
        case .unknownStatus:
            data.status = 7
        default:
            break
        }
    }

    /// Spoils the signature.
    func spoil(_ envelope: inout Envelope) {
        switch self {
        case .wrongSignature: envelope.signature = .wrong
        case .unsigned: envelope.signature = .absent
        case .emptySign: envelope.signature = .empty
        default: break
        }
    }

    /// The reply made of an answer's bytes, where the fault is in the bytes.
    func spoiltReply(of body: [UInt8]) -> Reply? {
        switch self {
        case .truncated: .truncated(body: body)
        // The first `code` wins in some readers and the last in others; whoever signs, sees only one.
        case .duplicateMember: .json(Array("{\"code\":\"E04111\",".utf8) + body.dropFirst())
        // Blanks between members are no part of what is signed.
        case .huge: .json([UInt8(ascii: "{")] + [UInt8](repeating: 0x20, count: 10_000_000) + body.dropFirst())
        default: nil
        }
    }
}
