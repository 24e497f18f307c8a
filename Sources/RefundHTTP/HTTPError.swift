import CCurl

/// Why an exchange produced no usable response.
///
/// Only the errors that precede the connection prove that the server did not act on the request. No error contains a
/// header or body of either side.
package enum HTTPError: Error, Hashable, Sendable {
    /// The part of an exchange in which it timed out.
    package enum Phase: Hashable, Sendable, CaseIterable {
        case waitingForConnection
        case resolving
        case connecting
        case handshake
        case awaitingResponse
        case receivingHead
        case receivingBody
    }

    /// The URL is not an absolute `http` or `https` URL, or has a user name, a blank or a control character.
    case invalidURL
    /// A header field contains a character that HTTP forbids, or is one that only the client sets.
    case invalidHeader
    /// The request's address filter refused an address, and no other address accepted a connection; the reason.
    case refusedAddress(String)
    /// The host name has no address, or the name servers do not answer.
    case resolve
    /// No address accepted a connection.
    case connect
    /// The exchange exceeded the request's timeout.
    case timeout(Phase)
    /// The server's certificate is not trusted or does not match the host; the reason.
    case certificate(String)
    /// The TLS handshake or the encrypted connection failed; the reason.
    case tls(String)
    /// The response body exceeds the limit in bytes.
    case tooLarge(limit: Int)
    /// What the server sent besides the body exceeds the limit in bytes: header, interim responses, framing, trailers.
    case metadataTooLarge(limit: Int)
    /// The server closed the connection without sending a byte.
    case emptyResponse
    /// The response is not valid HTTP/1; the reason.
    case malformedResponse(String)
    /// The connection ended before the response was complete.
    case connectionLost
    /// The request's CA file cannot be read or contains no PEM certificates.
    case badCAFile
    /// The client was shut down. This says nothing about the server: treat the exchange as if it had not been tried.
    case interrupted
    /// Any other error of libcurl or the system.
    case other(code: Int, text: String)
}

extension HTTPError: CustomStringConvertible {
    /// One sentence for a log or `last_error`.
    package var description: String {
        switch self {
        case .invalidURL:
            "The URL is not an absolute http or https URL without user name, blanks and control characters."
        case .invalidHeader:
            "A header field of the request contains a character that HTTP forbids, or is one that only the client sets."
        case .refusedAddress(let reason): "The server's address is refused: \(reason)."
        case .resolve:
            "The server's name could not be resolved; check the host in the URL and this machine's name servers."
        case .connect:
            "The connection to the server failed; check that it listens on the URL's port and that no firewall blocks it."
        case .timeout(let phase): "The request timed out \(phase.description)."
        case .certificate(let reason):
            "The server's certificate is not trusted: \(reason); check the host in the URL, or name its CA in ca_file."
        case .tls(let reason): "The TLS connection to the server failed: \(reason)."
        case .tooLarge(let limit): "The response body exceeds the limit of \(limit) bytes."
        case .metadataTooLarge(let limit): "The response has more than \(limit) bytes of headers, framing and trailers."
        case .emptyResponse: "The server closed the connection without a response."
        case .malformedResponse(let reason):
            "The response is not valid HTTP/1 (\(reason)); check the scheme and port of the URL."
        case .connectionLost: "The connection ended before the response was complete."
        case .badCAFile: "The CA file cannot be read or contains no PEM certificates; check its path and permissions."
        case .interrupted: "The request was interrupted by a shutdown or reload."
        case .other(let code, let text): "The request failed: \(text) (libcurl \(code))."
        }
    }
}

extension HTTPError.Phase: CustomStringConvertible {
    /// The phase as the end of a sentence that begins with "timed out".
    package var description: String {
        switch self {
        case .waitingForConnection: "while waiting for a free connection"
        case .resolving: "while resolving the server's name"
        case .connecting: "while connecting"
        case .handshake: "during the TLS handshake"
        case .awaitingResponse: "while waiting for the response"
        case .receivingHead: "while receiving the response header"
        case .receivingBody: "while receiving the response body"
        }
    }
}

extension HTTPError {
    /// Maps a result of libcurl to an error.
    ///
    /// Source: <https://curl.se/libcurl/c/libcurl-errors.html>.
    ///
    /// - Parameters:
    ///   - code: The result, not `CURLE_OK`.
    ///   - detail: libcurl's description of this occurrence, in printable ASCII, or an empty text.
    ///   - phase: How far the exchange had come.
    init(_ code: CURLcode, detail: String = "", in phase: Phase = .waitingForConnection) {
        let generic = unsafe String(cString: curl_easy_strerror(code))
        let text = detail.isEmpty ? generic : detail
        switch code {
        case CURLE_URL_MALFORMAT: self = .invalidURL
        case CURLE_COULDNT_RESOLVE_HOST: self = .resolve
        case CURLE_COULDNT_CONNECT: self = .connect
        case CURLE_OPERATION_TIMEDOUT: self = .timeout(phase)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            self = .certificate(text)
        case CURLE_SSL_CACERT_BADFILE: self = .badCAFile
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM, CURLE_USE_SSL_FAILED:
            self = .tls(Self.tlsReason(text))
        case CURLE_GOT_NOTHING: self = .emptyResponse
        // The URL's scheme has been checked, so the unsupported protocol is that of the response: HTTP/0.9.
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            self = .malformedResponse(text == "Nul byte in header" ? "NUL byte in the header" : text)
        // A server that requires a client certificate says so, with TLS 1.3, only after the handshake.
        case CURLE_RECV_ERROR where text.contains(" alert "), CURLE_SEND_ERROR where text.contains(" alert "):
            self = .tls(Self.tlsReason(text))
        case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE: self = .connectionLost
        // libcurl 7.88 reports a header line of more than 100 KiB as lack of memory, newer versions as "too large".
        case CURLE_OUT_OF_MEMORY where phase.isReceiving, CURLcode(rawValue: 100) where phase.isReceiving:
            self = .metadataTooLarge(limit: Transfer.metadataLimit)
        // The detail could quote the server, so only the generic text is used.
        default: self = .other(code: Int(code.rawValue), text: generic)
        }
    }

    /// Maps a result of libcurl's multi interface to an error.
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

    /// Why a server that requested a client certificate ended the connection.
    static let certificateRequired = "the server requested a client certificate, which refundd does not have"

    /// Whether the server ended the connection before or instead of a response.
    var isLossOfConnection: Bool {
        switch self {
        case .connectionLost, .emptyResponse, .tls: true
        default: false
        }
    }

    /// Reduces OpenSSL's "error:0A000410:SSL routines::REASON, errno 0" to the reason.
    private static func tlsReason(_ text: String) -> String {
        let tail = text.split(separator: "::").last.map(String.init) ?? text
        let reason = tail.split(separator: ", errno").first.map(String.init) ?? tail
        if reason.hasSuffix("alert certificate required") {
            return certificateRequired
        }
        return reason
    }
}

extension HTTPError.Phase {
    /// Whether the request was sent, so that further errors are about the response.
    fileprivate var isReceiving: Bool {
        switch self {
        case .awaitingResponse, .receivingHead, .receivingBody: true
        case .waitingForConnection, .resolving, .connecting, .handshake: false
        }
    }
}
