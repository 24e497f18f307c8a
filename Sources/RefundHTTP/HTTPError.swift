/// Why an exchange brought no answer.
///
/// None of them says whether the server has acted on the request, except those that precede the connection.
/// No header and no body, of either side, is ever part of one.
package enum HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The URL is not an absolute `http` or `https` URL, or carries a user name, a blank or a control character.
    case invalidURL
    /// A header field has a character that HTTP does not allow, or is one of those that only the client sets.
    case invalidHeader
    /// The request's judge refused an address, and no other one accepted a connection; its reason.
    case refusedAddress(String)
    /// The host name has no address, or the name servers do not answer.
    case resolve
    /// No address accepted a connection.
    case connect
    /// The exchange was not over within the request's timeout.
    case timeout
    /// The server's certificate is not trusted or is not for this host name; the reason.
    case certificate(String)
    /// The TLS handshake or the encrypted connection failed; the reason.
    case tls(String)
    /// The answer's body is longer than the limit in bytes.
    case tooLarge(limit: Int)
    /// The server closed the connection without a byte of an answer.
    case emptyAnswer
    /// The server sent something that is not HTTP/1.
    case garbledAnswer
    /// The connection ended before the answer was complete.
    case connectionLost
    /// The request's CA file cannot be read or holds no certificates in PEM.
    case badCAFile
    /// The client has been shut down.
    case shutDown
    /// Anything else that libcurl or the system reports; the number and what it stands for.
    case other(code: Int, text: String)

    /// One sentence for a log or `last_error`.
    package var description: String {
        switch self {
        case .invalidURL:
            "The URL is not an absolute http or https URL without user name, blanks and control characters."
        case .invalidHeader:
            "A header field of the request holds a character that HTTP does not allow, or one that only the client sets."
        case .refusedAddress(let reason):
            "The server's address is refused: \(reason)."
        case .resolve:
            "The server's name could not be resolved; check the host in the URL and the name servers of this machine."
        case .connect:
            "The server could not be connected to; check that it listens at the URL's port and that no firewall is between."
        case .timeout:
            "The exchange with the server was not complete within the timeout."
        case .certificate(let reason):
            "The server's certificate is refused: \(reason); check the host in the URL and the trusted CA file."
        case .tls(let reason):
            "The TLS connection to the server failed: \(reason)."
        case .tooLarge(let limit):
            "The server's answer is longer than the limit of \(limit) bytes."
        case .emptyAnswer:
            "The server closed the connection without an answer."
        case .garbledAnswer:
            "The server's answer is not HTTP/1; check the scheme and the port of the URL."
        case .connectionLost:
            "The connection to the server ended before the answer was complete."
        case .badCAFile:
            "The CA file cannot be read or holds no certificates in PEM; check its path, its permissions and its content."
        case .shutDown:
            "The HTTP client has been shut down."
        case .other(let code, let text):
            "The exchange with the server failed: \(text) (libcurl \(code))."
        }
    }
}
