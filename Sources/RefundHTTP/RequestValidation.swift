import CCurl

/// The host and port of a URL, read by the parser that later connects.
struct RequestTarget: Hashable, Sendable {
    /// The host in lower case, a colon and the port, which is the scheme's default if the URL has none.
    let authority: String

    /// Checks a URL and extracts its target.
    ///
    /// - Throws: `HTTPError.invalidURL` unless it is an absolute `http` or `https` URL without credentials.
    init(_ url: String) throws(HTTPError) {
        // A NUL would end the C string early; blanks and other control characters have no place in a URL.
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .invalidURL }
        guard let handle = unsafe curl_url() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        defer { unsafe curl_url_cleanup(handle) }
        guard
            unsafe curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK,
            let scheme = unsafe Self.part(CURLUPART_SCHEME, of: handle), scheme == "http" || scheme == "https",
            let host = unsafe Self.part(CURLUPART_HOST, of: handle), !host.isEmpty,
            let port = unsafe Self.part(CURLUPART_PORT, of: handle)
        else { throw .invalidURL }
        // libcurl also accepts one slash or three, where another parser would find no host.
        let rest = url.utf8.dropFirst(scheme.utf8.count)
        guard rest.starts(with: "://".utf8), !rest.starts(with: ":///".utf8) else { throw .invalidURL }
        authority = "\(host):\(port)"
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard unsafe curl_url_get(handle, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK,
            let text = unsafe text
        else { return nil }
        defer { unsafe curl_free(text) }
        return unsafe String(cString: text).lowercased()
    }
}

/// Checks of header fields, which libcurl sends as they are.
enum HeaderField {
    /// Fields that only the client sets: a wrong one would let a request spill into the next on its connection.
    private static let reserved: [[UInt8]] = [
        "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    ].map { Array($0.utf8) }

    private static let isTokenByte: [Bool] = (0..<256).map { byte in
        switch UInt8(byte) {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(UInt8(byte))
        }
    }

    /// Whether a request may set a field with this name: a token (RFC 9110, 5.6.2) that is not reserved.
    static func isAllowedName(_ name: String) -> Bool {
        let isTokenByte = isTokenByte
        return !name.isEmpty && name.utf8.allSatisfy { isTokenByte[Int($0)] }
            && !reserved.contains { hasName(name, $0) }
    }

    /// Whether a text may be a field's value (RFC 9110, 5.5): no CR, LF, NUL or other control character.
    static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }

    /// Compares a field's name with another in lower case.
    static func hasName(_ name: String, _ lowercased: some Collection<UInt8>) -> Bool {
        name.utf8.count == lowercased.count && zip(name.utf8, lowercased).allSatisfy { $0.lowercasedASCII == $1 }
    }
}
