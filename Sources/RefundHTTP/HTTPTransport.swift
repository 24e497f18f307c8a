/// Sends HTTP requests: `HTTPClient`, or a stub in tests.
package protocol HTTPTransport: Sendable {
    /// Sends a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - completion: Called exactly once, on a thread of the transport, with the response or the reason there is none.
    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void)
}

/// A request over HTTP or HTTPS and the bounds on its exchange.
package struct HTTPRequest: Sendable {
    /// The method of a request.
    package enum Method: Hashable, Sendable {
        /// Sends the body.
        case post
        /// Sends no body.
        case get
    }

    /// How much of a response body is read.
    package enum ResponseLimit: Hashable, Sendable {
        /// A longer body breaks the response as soon as its length is announced or exceeded.
        case refuseAbove(Int)
        /// The first bytes are kept; the connection is closed before the rest.
        case keepFirst(Int)
    }

    /// Which connection a request uses.
    package enum Connection: Hashable, Sendable {
        /// An idle connection if there is one, otherwise a new one.
        case any
        /// A new connection. Use it for probes, which must test the whole path to the server.
        case fresh
    }

    /// Decides whether the client may connect to an address.
    ///
    /// The address has 4 or 16 bytes in network order; an IPv4 address mapped into IPv6 has 16. Returns `nil` to allow
    /// the address, otherwise the reason to refuse it. Called on the client's thread; must not block.
    package typealias AddressFilter = @Sendable (_ address: [UInt8], _ port: UInt16) -> String?

    /// The method; `post` unless set.
    package var method = Method.post
    /// The absolute URL, `http` or `https`, without user name and password.
    package var url: String
    /// The header fields in the order they are sent.
    ///
    /// The client sets `Host` and the fields that frame the message, such as `Content-Length`, and refuses them here.
    package var headers: [(name: String, value: String)]
    /// The body.
    package var body: [UInt8]
    /// The time limit for the exchange, from `send` to the last byte of the response.
    package var timeout: Duration
    /// The limit on the response body.
    package var responseLimit: ResponseLimit
    /// A PEM file of certificate authorities trusted in addition to the system's.
    package var caFile: String?
    /// Which connection to use.
    package var connection: Connection
    /// Vets each resolved address before connecting; `nil` allows every address.
    ///
    /// A kept-alive connection is not vetted again, so requests with different filters need different clients.
    package var vetAddress: AddressFilter?

    /// Creates a request.
    ///
    /// - Parameters:
    ///   - url: The absolute URL, `http` or `https`, without user name and password.
    ///   - headers: The header fields in the order they are sent.
    ///   - body: The body.
    ///   - timeout: The time limit for the exchange; at least one millisecond.
    ///   - responseLimit: The limit on the response body.
    ///   - caFile: A PEM file of certificate authorities trusted in addition to the system's.
    ///   - connection: Which connection to use.
    ///   - vetAddress: Vets each resolved address before connecting.
    package init(
        url: String,
        headers: [(name: String, value: String)] = [],
        body: [UInt8] = [],
        timeout: Duration,
        responseLimit: ResponseLimit,
        caFile: String? = nil,
        connection: Connection = .any,
        vetAddress: AddressFilter? = nil
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.responseLimit = responseLimit
        self.caFile = caFile
        self.connection = connection
        self.vetAddress = vetAddress
    }
}
