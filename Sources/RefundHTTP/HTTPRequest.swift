/// A POST over HTTP or HTTPS, with the bounds that hold for its whole exchange.
package struct HTTPRequest: Sendable {
    /// How much of an answer's body is taken, and what happens to an answer with more.
    package enum ResponseLimit: Hashable, Sendable {
        /// More bytes than this fail the exchange, as soon as they are announced or arrive.
        case refuseAbove(Int)
        /// The first bytes are kept, the rest is not: the connection is closed and the exchange counts as answered.
        case keepFirst(Int)
    }

    /// The absolute URL, `http` or `https`, without user name and password.
    package var url: String
    /// The header fields in the order they are sent.
    ///
    /// `Host` and whatever frames the message (such as `Content-Length`) are the client's own and refused here.
    package var headers: [(name: String, value: String)]
    /// The bytes of the body.
    package var body: [UInt8]
    /// The time for everything from the hand-over on: waiting for a connection, resolving, connecting, TLS and the body.
    package var timeout: Duration
    /// The bound on the answer's body, applied while it arrives.
    package var responseLimit: ResponseLimit
    /// The PEM file of certificate authorities trusted beside those of the system.
    package var caFile: String?
    /// The judge of every address before it is connected to, such as each of the addresses of one name.
    ///
    /// The address has 4 or 16 bytes in network order, an IPv4 address mapped into IPv6 being one of 16. The answer is
    /// `nil` to allow it, or why it is refused. It is called on the client's thread and must not block. A connection
    /// kept open is not judged again: requests judged differently belong to different clients.
    package var vetAddress: (@Sendable (_ address: [UInt8], _ port: UInt16) -> String?)?

    /// Creates a request.
    ///
    /// - Parameters:
    ///   - url: The absolute URL, `http` or `https`, without user name and password.
    ///   - headers: The header fields in the order they are sent.
    ///   - body: The bytes of the body.
    ///   - timeout: The time for the whole exchange; zero and less count as one millisecond.
    ///   - responseLimit: The bound on the answer's body.
    ///   - caFile: The PEM file of certificate authorities trusted beside those of the system.
    ///   - vetAddress: The judge of every address before it is connected to.
    package init(
        url: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        timeout: Duration,
        responseLimit: ResponseLimit,
        caFile: String? = nil,
        vetAddress: (@Sendable (_ address: [UInt8], _ port: UInt16) -> String?)? = nil
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.responseLimit = responseLimit
        self.caFile = caFile
        self.vetAddress = vetAddress
    }
}
