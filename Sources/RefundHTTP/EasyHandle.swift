import CCurl

/// A libcurl easy handle, used for one exchange after the other.
///
/// Confined to the client's thread. Source: <https://curl.se/libcurl/c/curl_easy_setopt.html>.
@safe
final class EasyHandle {
    /// The identity of a handle, as libcurl's messages name it.
    struct ID: Hashable, Sendable {
        private let address: UInt

        /// Creates the identity of the handle that a pointer leads to.
        init(_ pointer: UnsafeMutableRawPointer?) {
            address = UInt(bitPattern: pointer)
        }
    }

    /// The handle itself.
    let pointer: UnsafeMutableRawPointer
    private let errorText: UnsafeMutablePointer<CChar>
    private let defaultCAFile: String?
    private var headers: HeaderList?

    /// Creates a handle with everything set that is the same for all requests.
    init(_ settings: HTTPClient.Settings) throws(HTTPError) {
        guard let pointer = unsafe curl_easy_init() else { throw HTTPError(CURLE_OUT_OF_MEMORY) }
        unsafe self.pointer = pointer
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        defaultCAFile = settings.trustStore.bundle
        try setProtocol(settings)
        try setTrust(settings.trustStore)
        try HTTPError.check(unsafe ccurl_set_pointer(pointer, CURLOPT_ERRORBUFFER, errorText))
        try HTTPError.check(unsafe ccurl_set_receiver(pointer, CURLOPT_WRITEFUNCTION, receiveBody))
        try HTTPError.check(unsafe ccurl_set_receiver(pointer, CURLOPT_HEADERFUNCTION, receiveHeaderLine))
        try HTTPError.check(unsafe ccurl_set_socket_opener(pointer, openSocket))
    }

    deinit {
        unsafe curl_easy_cleanup(pointer)
        unsafe errorText.deallocate()
    }

    /// The identity of this handle.
    var id: ID { unsafe ID(pointer) }

    /// The status code of the answer.
    var status: Int { unsafe ccurl_get_long(pointer, CURLINFO_RESPONSE_CODE) }

    /// The time that the exchange has taken.
    var duration: Duration { .microseconds(unsafe ccurl_get_offset(pointer, CURLINFO_TOTAL_TIME_T)) }

    /// What libcurl wrote about the error, in printable ASCII: a part may come from the server's certificate.
    var errorDetail: String {
        let text = unsafe String(cString: errorText)
        return String(decoding: text.utf8.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }

    /// Sets everything that differs from one request to the next, so that nothing of the one before is left.
    ///
    /// - Parameters:
    ///   - transfer: What receives the answer; it has to live until `release()`.
    ///   - timeout: The time that is left for the exchange.
    /// - Throws: `HTTPError` when a header field or the CA file cannot be handed to libcurl.
    func prepare(for transfer: Transfer, timeout: Duration) throws(HTTPError) {
        let request = transfer.request
        let headers = try HeaderList(request.headers)
        self.headers = headers
        unsafe errorText.pointee = 0
        try set(CURLOPT_URL, request.url)
        try HTTPError.check(unsafe ccurl_set_list(pointer, CURLOPT_HTTPHEADER, headers.first))
        let body = unsafe request.body.withUnsafeBytes { bytes in
            unsafe ccurl_set_post_body(pointer, bytes.baseAddress, bytes.count)
        }
        try HTTPError.check(body)
        // With an encoding set, libcurl decodes what a server encodes although it was asked not to. A body of which only
        // the start is kept is recorded as it came.
        let encoding: String? = if case .refuseAbove = request.responseLimit { "identity" } else { nil }
        try set(CURLOPT_ACCEPT_ENCODING, encoding)
        try set(CURLOPT_TIMEOUT_MS, timeout.wholeMillisecondsForCurl)
        let limit = curl_off_t(transfer.announcedLimit)
        try HTTPError.check(unsafe ccurl_set_offset(pointer, CURLOPT_MAXFILESIZE_LARGE, limit))
        try setCAFile(request.caFile)
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        for option in [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_OPENSOCKETDATA] {
            try HTTPError.check(unsafe ccurl_set_pointer(pointer, option, context))
        }
    }

    /// Lets go of the transfer and of the request's headers.
    func release() {
        for option in [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_OPENSOCKETDATA] {
            _ = unsafe ccurl_set_pointer(pointer, option, nil)
        }
        _ = unsafe ccurl_set_list(pointer, CURLOPT_HTTPHEADER, nil)
        headers = nil
    }

    private func setProtocol(_ settings: HTTPClient.Settings) throws(HTTPError) {
        // A signal would reach whichever thread does not expect it.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        try set(CURLOPT_POST, 1)
        try set(CURLOPT_USERAGENT, settings.userAgent)
        try set(CURLOPT_FOLLOWLOCATION, 0)
        try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
        try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        // Empty, not unset: unset means the proxy of the environment.
        try set(CURLOPT_PROXY, "")
        // A name server that does not answer would otherwise hold the whole thread beyond the timeout, because libcurl
        // waits for the end of its resolver's thread.
        try set(CURLOPT_QUICK_EXIT, 1)
        if let connectTimeout = settings.connectTimeout {
            try set(CURLOPT_CONNECTTIMEOUT_MS, connectTimeout.wholeMillisecondsForCurl)
        }
    }

    private func setTrust(_ store: TrustStore) throws(HTTPError) {
        try set(CURLOPT_SSL_VERIFYPEER, 1)
        // 2: the certificate has to be for this very host; 0 would not look at the name.
        try set(CURLOPT_SSL_VERIFYHOST, 2)
        try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        try set(CURLOPT_CAPATH, store.directory)
    }

    private func setCAFile(_ file: String?) throws(HTTPError) {
        guard file?.utf8.contains(0) != true else { throw .badCAFile }
        try set(CURLOPT_CAINFO, file ?? defaultCAFile)
    }

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPError) {
        try HTTPError.check(unsafe ccurl_set_long(pointer, option, value))
    }

    private func set(_ option: CURLoption, _ value: String?) throws(HTTPError) {
        try HTTPError.check(unsafe ccurl_set_string(pointer, option, value))
    }
}
