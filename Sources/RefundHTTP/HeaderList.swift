import CCurl

/// The header fields of one request as the list that libcurl wants.
///
/// libcurl does not copy the list: it has to live as long as the exchange.
@safe
final class HeaderList {
    /// What the client sets itself, because a wrong one would let a request spill over into the next on a connection.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    ]
    private static let tokenPunctuation = Set("!#$%&'*+-.^_`|~".utf8)

    /// The first node.
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    /// Creates the list of a request's fields.
    ///
    /// - Parameter headers: The fields in order.
    /// - Throws: `HTTPError.invalidHeader` when one has a character that HTTP does not allow, or is reserved.
    init(_ headers: [(name: String, value: String)]) throws(HTTPError) {
        // libcurl would ask for leave to send a long body, and would name a form's type for one without a type.
        try append("Expect:")
        if !headers.contains(where: { $0.name.lowercased() == "content-type" }) {
            try append("Content-Type:")
        }
        for (name, value) in headers {
            guard Self.isToken(name), !Self.reserved.contains(name.lowercased()), Self.isFieldValue(value) else {
                throw .invalidHeader
            }
            // libcurl takes "Name:" for "leave this field out"; "Name;" is its spelling of an empty field.
            try append(value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? "\(name);" : "\(name): \(value)")
        }
    }

    deinit {
        unsafe curl_slist_free_all(first)
    }

    private func append(_ line: String) throws(HTTPError) {
        guard let list = unsafe curl_slist_append(first, line) else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe first = list
    }

    /// Tells whether a text is a token (RFC 9110, 5.6.2), as a field's name has to be.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default:
                    tokenPunctuation.contains(byte)
                }
            }
    }

    /// Tells whether a text may stand as a field's value (RFC 9110, 5.5): no CR, LF, NUL or other control character.
    static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
