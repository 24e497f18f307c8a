import CCurl

/// One exchange: the request, its state and what has arrived of the response.
///
/// Confined to the client's thread.
final class Transfer {
    /// The limit in bytes on everything that a server sends besides the body.
    static let metadataLimit = 65_536
    /// How long an exchange runs before the bytes on its connection are counted.
    private static let countingDelay: Duration = .seconds(1)

    /// The request.
    let request: HTTPRequest
    /// When the request's timeout expires.
    let deadline: ContinuousClock.Instant
    /// The host and port of the request.
    let target: RequestTarget
    /// The client's sockets.
    let sockets: SocketRegistry
    /// Whether the exchange must not use an idle connection.
    private(set) var usesFreshConnection: Bool
    private let completion: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    private var triesSilentAddresses = false
    private var spent: Duration = .zero
    private var attempt = Attempt()

    /// The state of one attempt.
    ///
    /// A second one follows if the first failed on an idle connection.
    private struct Attempt {
        var phase: HTTPError.Phase = .resolving
        var head = ResponseHead()
        var body: [UInt8] = []
        var metadataCount = 0
        var isTruncated = false
        /// Why a callback ended the attempt.
        var failure: HTTPError?
        /// Why the last refused address was refused.
        var refusal: String?
        /// The addresses tried, or skipped as silent.
        var addresses: [SocketRegistry.Address] = []
        /// The address of the TLS context of the connection being opened.
        var tlsContext: UInt = 0
        var isConnectionNew = false
        var isConnectionUnfit = false
        var isConnectionReused = false
        var hasSent = false
        var socket: Int32?
        var sentAt: ContinuousClock.Instant?
        var counted: (socket: UInt64, body: Int)?
    }

    /// Creates the exchange for a submitted request.
    init(_ submission: Submission, to target: RequestTarget, over sockets: SocketRegistry) {
        request = submission.request
        deadline = submission.deadline
        completion = submission.completion
        usesFreshConnection = submission.request.connection == .fresh
        self.target = target
        self.sockets = sockets
    }

    /// How long to wait for an address to respond before trying the next; `nil` once no address responded that fast.
    ///
    /// TCP itself asks again after a second: an address that has not responded by then is slow, or gone.
    var patience: Duration? { triesSilentAddresses ? nil : min(.seconds(1), request.timeout / 4) }

    /// Decides whether to connect to an address: not if the request refuses it, nor if it was silent recently.
    ///
    /// The address is `nil` if it is neither IPv4 nor IPv6.
    func mayConnect(to address: SocketRegistry.Address?) -> Bool {
        attempt.phase = .connecting
        attempt.isConnectionNew = true
        guard let address else {
            attempt.refusal = "it is neither an IPv4 nor an IPv6 address"
            return request.vetAddress == nil
        }
        if let reason = request.vetAddress?(address.bytes, address.port) {
            attempt.refusal = reason
            return false
        }
        attempt.addresses.append(address)
        return triesSilentAddresses || !sockets.isSilent(address)
    }

    /// Records that a TCP connection was established and the TLS handshake begins.
    func startHandshake(_ tlsContext: UInt) {
        attempt.phase = .handshake
        attempt.tlsContext = tlsContext
    }

    /// Decides, right before the request is sent, whether the connection is fit for it.
    func maySend(over path: SocketRegistry.Path) -> Bool {
        if attempt.isConnectionNew {
            attempt.socket = sockets.connected(path)
            attempt.isConnectionReused = false
            attempt.isConnectionNew = false
        } else {
            // libcurl repeats a request that got no response, even on another idle connection. If one was dead, the
            // others of the same burst are likely to be: the repetition gets a new one.
            guard !attempt.hasSent, let socket = sockets.quietSocket(of: path) else {
                attempt.isConnectionUnfit = true
                return false
            }
            attempt.socket = socket
            attempt.isConnectionReused = true
        }
        attempt.hasSent = true
        attempt.sentAt = .now
        attempt.phase = .awaitingResponse
        return true
    }

    /// Receives a line of the head or a trailer field; returns `false` to end the exchange.
    func receive(headerLine: UnsafeRawBufferPointer) -> Bool {
        attempt.metadataCount += headerLine.count
        guard attempt.metadataCount <= Self.metadataLimit else {
            attempt.failure = .metadataTooLarge(limit: Self.metadataLimit)
            return false
        }
        guard !attempt.head.isComplete else { return true }
        unsafe attempt.head.add(headerLine)
        attempt.phase = attempt.head.isComplete ? .receivingBody : .receivingHead
        guard attempt.head.isComplete, case .refuseAbove(let limit) = request.responseLimit,
            let length = attempt.head.value(of: "Content-Length").flatMap({ Int($0) }), length > max(limit, 0)
        else { return true }
        attempt.failure = .tooLarge(limit: max(limit, 0))
        return false
    }

    /// Receives a part of the body; returns `false` to end the exchange.
    func receive(bodyPart: UnsafeRawBufferPointer) -> Bool {
        switch request.responseLimit {
        case .refuseAbove(let limit):
            guard bodyPart.count <= max(limit, 0) - attempt.body.count else {
                attempt.failure = .tooLarge(limit: max(limit, 0))
                attempt.body = []
                return false
            }
            unsafe attempt.body.append(contentsOf: bodyPart)
            return true
        case .keepFirst(let limit):
            let room = max(limit - attempt.body.count, 0)
            guard bodyPart.count > room else {
                unsafe attempt.body.append(contentsOf: bodyPart)
                return true
            }
            unsafe attempt.body.append(contentsOf: UnsafeRawBufferPointer(rebasing: bodyPart.prefix(room)))
            attempt.isTruncated = true
            return false
        }
    }

    /// Limits what libcurl does not hand over, such as chunk extensions; returns `false` to end the exchange.
    ///
    /// Only the kernel's count of bytes shows it, which includes TLS records and chunk sizes; the limit allows for these.
    /// Exchanges that end within a second are not counted.
    func mayContinue(at now: ContinuousClock.Instant) -> Bool {
        guard let sentAt = attempt.sentAt, let socket = attempt.socket, sentAt.duration(to: now) > Self.countingDelay
        else { return true }
        let (read, body) = (ccurl_bytes_read(socket), attempt.body.count)
        guard let start = attempt.counted else {
            attempt.counted = (read, body)
            return true
        }
        let allowance = UInt64(2 * Self.metadataLimit + (body - start.body) / 8 * 9)
        guard read > start.socket + allowance else { return true }
        attempt.failure = .metadataTooLarge(limit: Self.metadataLimit)
        return false
    }

    /// Decides whether to repeat an exchange that libcurl has ended, and prepares the second attempt.
    ///
    /// - A request that failed on an idle connection without a response goes out once more, on a new connection. So
    ///   does one answered with 408 there, by which servers announce that they close an idle connection (RFC 9110,
    ///   15.5.9).
    /// - If no address accepted a connection in time, all of them, the silent ones included, get the rest of the timeout.
    func needsRepetition(after code: CURLcode, on handle: EasyHandle) -> Bool {
        spent += handle.duration
        let isUnanswered =
            switch code {
            case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING: attempt.metadataCount == 0
            case CURLE_OK: handle.status == 408
            default: false
            }
        if !usesFreshConnection, attempt.isConnectionUnfit || attempt.isConnectionReused && isUnanswered {
            usesFreshConnection = true
        } else if code == CURLE_COULDNT_CONNECT, !triesSilentAddresses,
            attempt.addresses.contains(where: sockets.isSilent)
        {
            triesSilentAddresses = true
        } else {
            return false
        }
        attempt = Attempt()
        return true
    }

    /// Returns the result of an exchange that libcurl has ended.
    func result(_ code: CURLcode, of handle: EasyHandle) -> Result<HTTPResponse, HTTPError> {
        if code == CURLE_OK {
            // To libcurl, the end of the connection also ends a head.
            guard attempt.head.isComplete else { return .failure(.connectionLost) }
            return .success(response(.complete, of: handle))
        }
        if attempt.isTruncated { return .success(response(.truncated, of: handle)) }
        if let failure = attempt.failure { return result(failure, of: handle) }
        if code == CURLE_COULDNT_CONNECT, let refusal = attempt.refusal { return .failure(.refusedAddress(refusal)) }
        let error = HTTPError(code, detail: handle.errorDetail, in: attempt.phase)
        // The server's reason may get lost: its alert is overtaken by the reset that answers the request.
        if isCertificateRequested, error.isLossOfConnection { return .failure(.tls(HTTPError.certificateRequired)) }
        return result(error, of: handle)
    }

    /// Returns the result of an exchange that an error ends: a response if its head had arrived.
    func result(_ error: HTTPError, of handle: EasyHandle) -> Result<HTTPResponse, HTTPError> {
        // A server that floods the client is not believed, whatever its status.
        if case .metadataTooLarge = error { return .failure(error) }
        if attempt.head.isComplete { return .success(response(.broken(error), of: handle)) }
        guard case .malformedResponse(let reason) = error, attempt.head.hasStatus else { return .failure(error) }
        // libcurl reads no further, but the server has answered. A length that is no number concerns only the body.
        let concernsBody = reason.hasPrefix("Invalid Content-Length")
        return .success(response(concernsBody ? .broken(error) : .invalidHead(reason), of: handle))
    }

    /// Passes the result to the caller; called once.
    func finish(_ result: Result<HTTPResponse, HTTPError>) {
        completion(result)
    }

    private func response(_ end: HTTPResponse.BodyEnd, of handle: EasyHandle) -> HTTPResponse {
        HTTPResponse(status: handle.status, head: attempt.head, body: attempt.body, bodyEnd: end, duration: spent)
    }

    private var isCertificateRequested: Bool {
        unsafe attempt.tlsContext != 0 && attempt.tlsContext == sockets.certificateRequest.pointee
    }
}
