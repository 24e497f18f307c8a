import CCurl

/// A libcurl easy handle, used for one exchange after another.
///
/// Confined to the client's thread. Source: <https://curl.se/libcurl/c/curl_easy_setopt.html>.
@safe
final class EasyHandle {
    /// Identifies a handle in libcurl's messages.
    struct ID: Hashable, Sendable {
        private let address: UInt

        init(_ pointer: UnsafeMutableRawPointer?) {
            address = UInt(bitPattern: pointer)
        }
    }

    fileprivate let pointer: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let settings: HTTPClient.Settings
    private let resolutions: StringList
    private var headers: (fields: [(name: String, value: String)], list: StringList)?

    /// Creates a handle for a client's exchanges.
    init(_ settings: HTTPClient.Settings) throws(HTTPError) {
        let resolutions = StringList()
        for resolution in settings.resolutions { try resolutions.append(resolution) }
        guard let pointer = unsafe curl_easy_init() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe self.pointer = pointer
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.settings = settings
        self.resolutions = resolutions
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
        unsafe errorText.deallocate()
    }

    /// The identity of this handle.
    var id: ID { unsafe ID(pointer) }

    /// The status code of the response.
    var status: Int { unsafe ccurl_get_long(pointer, CURLINFO_RESPONSE_CODE) }

    /// The duration of the exchange.
    var duration: Duration { .microseconds(unsafe ccurl_get_offset(pointer, CURLINFO_TOTAL_TIME_T)) }

    /// libcurl's description of the error, reduced to printable ASCII: parts may come from the server's certificate.
    var errorDetail: String {
        let text = unsafe String(cString: errorText)
        return String(decoding: text.utf8.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// Prepares the handle, which is new or was released, for an exchange.
    ///
    /// - Parameters:
    ///   - transfer: Receives the response; must live until `release()`.
    ///   - timeout: The time left for the exchange.
    /// - Throws: `HTTPError` if libcurl rejects a header field or the CA file.
    func prepare(for transfer: Transfer, timeout: Duration) throws(HTTPError) {
        let request = transfer.request
        let headers = try headers(of: request)
        unsafe errorText.pointee = 0
        try HTTPError.check(unsafe ccurl_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText))
        try setProtocol()
        try setConnections(isFresh: transfer.usesFreshConnection, timeout: timeout)
        try setTrust(caFile: request.caFile)
        try set(CURLOPT_URL, request.url)
        try HTTPError.check(unsafe ccurl_set_list(pointer, CURLOPT_HTTPHEADER, headers.first))
        try set(request.method, body: request.body)
        // With an encoding set, libcurl decodes what a server encodes although it was asked not to. A body of which only
        // the start is kept is recorded as it came.
        let encoding: String? = if case .refuseAbove = request.responseLimit { "identity" } else { nil }
        try set(CURLOPT_ACCEPT_ENCODING, encoding)
        let registry = unsafe Unmanaged.passUnretained(transfer.sockets).toOpaque()
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        try HTTPError.check(
            unsafe ccurl_set_callbacks(
                pointer,
                receiveBody,
                receiveHeaderLine,
                openSocket,
                startHandshake,
                approveConnection,
                context,
                closeSocket,
                registry
            )
        )
    }

    /// Releases the transfer, and leaves no trace of the exchange but the list of its header fields.
    func release() {
        // Among other state, this resets libcurl's count of retries, which would otherwise grow from exchange to
        // exchange until one fails. Connections, TLS sessions and resolved names belong to the multi handle and stay.
        unsafe curl_easy_reset(pointer)
    }

    private func setProtocol() throws(HTTPError) {
        // A signal would reach a thread that does not expect it.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_USERAGENT, settings.userAgent)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        // Empty rather than unset: unset means the proxy of the environment.
        try set(CURLOPT_PROXY, "")
    }

    private func set(_ method: HTTPRequest.Method, body: [UInt8]) throws(HTTPError) {
        switch method {
        case .get:
            try set(CURLOPT_HTTPGET, 1)
        case .post:
            try set(CURLOPT_POST, 1)
            let code = unsafe body.withUnsafeBytes { bytes in
                unsafe ccurl_set_post_body(pointer, bytes.baseAddress, bytes.count)
            }
            try HTTPError.check(code)
        }
    }

    private func setConnections(isFresh: Bool, timeout: Duration) throws(HTTPError) {
        try set(CURLOPT_TIMEOUT_MS, timeout.wholeMillisecondsForCurl)
        try set(CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0)
        try set(CURLOPT_MAXAGE_CONN, settings.maxIdleSeconds)
        try set(CURLOPT_MAXLIFETIME_CONN, settings.maxConnectionSeconds)
        try set(CURLOPT_DNS_CACHE_TIMEOUT, settings.maxResolutionSeconds)
        try HTTPError.check(unsafe ccurl_set_list(pointer, CURLOPT_RESOLVE, resolutions.first))
        // Without it, libcurl waits for its resolver thread, so an unresponsive name server would block this thread
        // beyond the timeout.
        try set(CURLOPT_QUICK_EXIT, 1)
    }

    private func setTrust(caFile: String?) throws(HTTPError) {
        guard caFile?.utf8.contains(0) != true else { throw .badCAFile }
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        // 2: the certificate must match the host; 0 would skip the name.
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        try set(CURLOPT_CAPATH, settings.trustStore.directory)
        try set(CURLOPT_CAINFO, caFile ?? settings.trustStore.bundle)
    }

    // All queries to a gateway have the same fields.
    private func headers(of request: HTTPRequest) throws(HTTPError) -> StringList {
        if let headers, headers.fields.elementsEqual(request.headers, by: ==) { return headers.list }
        let list = StringList()
        // By default libcurl delays long bodies with "Expect" and declares a form's type for a body without one.
        try list.append("Expect:")
        if !request.headers.contains(where: { HeaderField.hasName($0.name, "content-type".utf8) }) {
            try list.append("Content-Type:")
        }
        for (name, value) in request.headers {
            guard HeaderField.isAllowedName(name), HeaderField.isValue(value) else { throw .invalidHeader }
            // To libcurl "Name:" removes a field; "Name;" sends an empty one.
            try list.append(value.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? "\(name);" : "\(name): \(value)")
        }
        headers = (request.headers, list)
        return list
    }

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPError) {
        try HTTPError.check(unsafe ccurl_set_long(pointer, option, value))
    }

    private func set(_ option: CURLoption, _ value: String?) throws(HTTPError) {
        try HTTPError.check(unsafe ccurl_set_string(pointer, option, value))
    }
}

/// A libcurl multi handle: a client's connections and the exchanges over them.
///
/// Source: <https://curl.se/libcurl/c/libcurl-multi.html>.
// Unchecked: everything but `wakeUp` is confined to the client's thread, and libcurl allows `curl_multi_wakeup` on any
// thread. A caller about to wake an ending thread keeps the handle alive until then; nothing else uses it.
@safe
final class MultiHandle: @unchecked Sendable {
    /// The open sockets.
    ///
    /// libcurl calls back with this object until `curl_multi_cleanup` has closed every connection.
    let sockets = SocketRegistry()
    private let pointer: UnsafeMutableRawPointer

    /// Creates a handle with limits on the connections, idle ones included.
    init(_ settings: HTTPClient.Settings) throws(HTTPError) {
        guard let pointer = unsafe curl_multi_init() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe self.pointer = pointer
        let total = settings.connectionLimit
        try HTTPError.check(unsafe ccurl_multi_set_long(pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, total))
        try HTTPError.check(unsafe ccurl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, total))
    }

    deinit {
        unsafe curl_multi_cleanup(pointer)
    }

    /// Starts an exchange.
    func add(_ handle: EasyHandle) throws(HTTPError) {
        try HTTPError.check(unsafe curl_multi_add_handle(pointer, handle.pointer))
    }

    /// Ends an exchange, complete or not.
    func remove(_ handle: EasyHandle) {
        unsafe curl_multi_remove_handle(pointer, handle.pointer)
    }

    /// Does all work that needs no waiting.
    func perform() throws(HTTPError) {
        var running: Int32 = 0
        try HTTPError.check(unsafe curl_multi_perform(pointer, &running))
    }

    /// Waits for a socket, a libcurl timer, `wakeUp` or the time limit.
    func wait(atMost milliseconds: Int32) throws(HTTPError) {
        try HTTPError.check(unsafe curl_multi_poll(pointer, nil, 0, milliseconds, nil))
    }

    /// Ends the current wait, or the next one; callable on any thread.
    func wakeUp() {
        unsafe curl_multi_wakeup(pointer)
    }

    /// Returns the next exchange that has ended and its result.
    func nextCompleted() -> (id: EasyHandle.ID, code: CURLcode)? {
        var remaining: Int32 = 0
        while let message = unsafe curl_multi_info_read(pointer, &remaining) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            return unsafe (EasyHandle.ID(message.pointee.easy_handle), message.pointee.data.result)
        }
        return nil
    }
}

/// A libcurl string list.
///
/// libcurl does not copy it, so it must outlive its use.
@safe
final class StringList {
    /// The first node, or `nil` while the list is empty.
    private(set) var first: UnsafeMutablePointer<curl_slist>?

    deinit {
        unsafe curl_slist_free_all(first)
    }

    /// Appends a copy of a string.
    func append(_ string: String) throws(HTTPError) {
        guard let list = unsafe curl_slist_append(first, string) else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe first = list
    }
}

extension Duration {
    /// This duration in milliseconds for libcurl and `poll`: rounded up, from 1 to about 24 days.
    ///
    /// To libcurl zero means "no timeout".
    var wholeMillisecondsForCurl: Int {
        let longest = Int(Int32.max)
        guard self < .milliseconds(longest) else { return longest }
        guard self > .milliseconds(1) else { return 1 }
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
