import CCurl

/// The host and port that a URL leads to, after a check of the whole URL.
struct RequestTarget: Hashable, Sendable {
    /// The host in lower case, a colon and the port, which is the scheme's own when the URL has none.
    let authority: String

    /// Creates the target of a URL, read by the parser that later connects.
    ///
    /// - Parameter url: The text of the URL.
    /// - Throws: `HTTPError.invalidURL` when it is not an absolute `http` or `https` URL without credentials.
    init(_ url: String) throws(HTTPError) {
        // A NUL would end the C string early; blanks and other control characters have no place in a URL either.
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw .invalidURL }
        guard let handle = unsafe curl_url() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        defer { unsafe curl_url_cleanup(handle) }
        guard
            unsafe curl_url_set(handle, CURLUPART_URL, url, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK,
            let scheme = unsafe Self.part(CURLUPART_SCHEME, of: handle), scheme == "http" || scheme == "https",
            let host = unsafe Self.part(CURLUPART_HOST, of: handle), !host.isEmpty,
            let port = unsafe Self.part(CURLUPART_PORT, of: handle)
        else { throw .invalidURL }
        // The parser takes one slash or three as well, where another reader of the URL would see no host.
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
