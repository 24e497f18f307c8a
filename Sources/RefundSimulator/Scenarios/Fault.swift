/// A way to spoil an answer, to test a client against misbehaving gateways, networks and attackers.
///
/// The raw value is the name in scenario files.
package enum Fault: String, Sendable, CaseIterable {
    /// `sign` is well formed but signs another text.
    case wrongSignature = "wrong_signature"
    /// There is no `sign`.
    case unsigned
    /// `sign` is the empty string.
    case emptySign = "empty_sign"
    /// A correctly signed answer about another refund.
    case otherOrder = "other_order"
    /// HTTP status 429 with an HTML page.
    case http429 = "http_429"
    /// HTTP status 503 with an HTML page.
    case http503 = "http_503"
    /// HTTP status 200 with an HTML page.
    case html
    /// A body that is not JSON.
    case notJSON = "not_json"
    /// A body that is not UTF-8.
    case notUTF8 = "not_utf8"
    /// Half of the announced body, then the end of the connection.
    case truncated
    /// A correctly signed answer of 10 MB.
    case huge
    /// A TCP reset instead of an answer.
    case reset
    /// An orderly end of the connection instead of an answer.
    case close
    /// No answer while the connection stays open, for ten minutes at most.
    case hang
    /// The member `code` is repeated.
    case duplicateMember = "duplicate_member"
    /// A correctly signed answer with an unknown `trans_status`.
    case unknownStatus = "unknown_status"
    /// `SYS002`, as for a wrong signature.
    case credentials
    /// `E07303`, as for an application without access to the interface, signed.
    case notAuthorised = "not_authorised"
}

extension Fault {
    /// The reply of a gateway that fails before it has an answer.
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

    /// The refusal of a valid request.
    var refusal: GatewayRefusal? {
        switch self {
        case .credentials: .credentials("the signature is wrong")
        case .notAuthorised: .notAuthorised(method: "order.refund.query")
        default: nil
        }
    }

    /// Spoils the business part.
    func spoil(_ data: inout RefundAnswer) {
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

    /// The reply made from an answer's bytes, for a fault in the bytes.
    func spoiltReply(of body: [UInt8]) -> Reply? {
        switch self {
        case .truncated: .truncated(body: body)
        // Some readers use the first `code`, others the last; the signature covers only one.
        case .duplicateMember: .json(Array("{\"code\":\"E04111\",".utf8) + body.dropFirst())
        // Blanks between members are not signed.
        case .huge: .json([UInt8(ascii: "{")] + [UInt8](repeating: 0x20, count: 10_000_000) + body.dropFirst())
        default: nil
        }
    }
}

/// What is sent back over the connection.
enum Reply: Hashable {
    /// An answer with its HTTP status.
    case answer(status: Int, contentType: String, body: [UInt8])
    /// Half of a body whose full length was announced, then the end of the connection.
    case truncated(body: [UInt8])
    /// An orderly end of the connection, without an answer.
    case close
    /// A TCP reset.
    case reset
    /// Nothing, for a long time.
    case hang

    static func json(_ body: [UInt8]) -> Reply {
        .answer(status: 200, contentType: "application/json;charset=UTF-8", body: body)
    }

    static func html(status: Int, title: String) -> Reply {
        let page = "<html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>\n"
        return .answer(status: status, contentType: "text/html", body: Array(page.utf8))
    }

    static func text(status: Int, _ message: String) -> Reply {
        .answer(status: status, contentType: "text/plain; charset=utf-8", body: Array("\(message)\n".utf8))
    }
}
