import CCurl

extension HTTPError {
    /// Creates the error for a result of libcurl that depends on nothing else.
    ///
    /// Source: <https://curl.se/libcurl/c/libcurl-errors.html>.
    ///
    /// - Parameters:
    ///   - code: The result, not `CURLE_OK`.
    ///   - detail: What libcurl wrote about it, or an empty text.
    init(_ code: CURLcode, detail: String = "") {
        let text = detail.isEmpty ? unsafe String(cString: curl_easy_strerror(code)) : detail
        switch code {
        case CURLE_URL_MALFORMAT:
            self = .invalidURL
        case CURLE_COULDNT_RESOLVE_HOST:
            self = .resolve
        case CURLE_COULDNT_CONNECT:
            self = .connect
        case CURLE_OPERATION_TIMEDOUT:
            self = .timeout
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            self = .certificate(text)
        case CURLE_SSL_CACERT_BADFILE:
            self = .badCAFile
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM, CURLE_USE_SSL_FAILED:
            self = .tls(text)
        case CURLE_GOT_NOTHING:
            self = .emptyAnswer
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            // The URL's scheme is known to be good by now: what libcurl does not support is the answer, HTTP/0.9.
            self = .garbledAnswer
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            self = .connectionLost
        default:
            // Only the fixed text: the other one may quote what the server sent.
            self = .other(code: Int(code.rawValue), text: unsafe String(cString: curl_easy_strerror(code)))
        }
    }

    /// Creates the error for a result of libcurl's multi interface.
    init(_ code: CURLMcode) {
        self = .other(code: Int(code.rawValue), text: unsafe String(cString: curl_multi_strerror(code)))
    }

    /// Throws the error for a result unless it is `CURLE_OK`.
    static func check(_ code: CURLcode) throws(HTTPError) {
        guard code == CURLE_OK else { throw HTTPError(code) }
    }

    /// Throws the error for a result unless it is `CURLM_OK`.
    static func check(_ code: CURLMcode) throws(HTTPError) {
        guard code == CURLM_OK else { throw HTTPError(code) }
    }
}
