import CCurl

/// One exchange: the request, and what has come in of the answer.
///
/// Confined to the client's thread.
final class Transfer {
    /// The request.
    let request: HTTPRequest
    /// When the request's timeout is over.
    let deadline: ContinuousClock.Instant
    /// The host and port of the request.
    let target: RequestTarget
    private let completion: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    private var head = ResponseHead()
    private var body: [UInt8] = []
    private var isTooLarge = false
    private var isTruncated = false
    private var refusal: String?

    /// Creates the exchange of a request that has been handed over, and leads to a host.
    init(_ submission: Submission, to target: RequestTarget) {
        request = submission.request
        deadline = submission.deadline
        completion = submission.completion
        self.target = target
    }

    /// The greatest `Content-Length` that is let pass, 0 for any.
    ///
    /// A limit of 0 bytes cannot be told to libcurl; the first byte exceeds it.
    var announcedLimit: Int {
        switch request.responseLimit {
        case .refuseAbove(let limit): max(limit, 0)
        case .keepFirst: 0
        }
    }

    /// Takes a line of the header.
    func receive(headerLine: UnsafeRawBufferPointer) {
        unsafe head.add(headerLine)
    }

    /// Takes a part of the body; `false` when the exchange is to end here.
    func receive(bodyPart: UnsafeRawBufferPointer) -> Bool {
        switch request.responseLimit {
        case .refuseAbove(let limit):
            guard bodyPart.count <= limit - body.count else {
                isTooLarge = true
                body = []
                return false
            }
            unsafe body.append(contentsOf: bodyPart)
            return true
        case .keepFirst(let limit):
            let room = max(limit - body.count, 0)
            guard bodyPart.count > room else {
                unsafe body.append(contentsOf: bodyPart)
                return true
            }
            unsafe body.append(contentsOf: UnsafeRawBufferPointer(rebasing: bodyPart.prefix(room)))
            isTruncated = true
            return false
        }
    }

    /// Whether every address is let pass, so that it need not be read.
    var allowsEveryAddress: Bool { request.vetAddress == nil }

    /// Tells whether an address may be connected to; `nil` stands for one that is neither IPv4 nor IPv6.
    func allows(_ address: [UInt8]?, port: UInt16) -> Bool {
        guard let vetAddress = request.vetAddress else { return true }
        guard let address else {
            refusal = "it is neither an IPv4 nor an IPv6 address"
            return false
        }
        guard let reason = vetAddress(address, port) else { return true }
        refusal = reason
        return false
    }

    /// Returns the result of the exchange that libcurl has ended.
    func result(_ code: CURLcode, of handle: EasyHandle) -> Result<HTTPResponse, HTTPError> {
        if code == CURLE_OK || isTruncated {
            let response = HTTPResponse(
                status: handle.status,
                head: head,
                body: body,
                duration: handle.duration,
                isTruncated: isTruncated
            )
            return .success(response)
        }
        if isTooLarge || code == CURLE_FILESIZE_EXCEEDED {
            return .failure(.tooLarge(limit: announcedLimit))
        }
        if code == CURLE_COULDNT_CONNECT, let refusal {
            return .failure(.refusedAddress(refusal))
        }
        return .failure(HTTPError(code, detail: handle.errorDetail))
    }

    /// Hands the result to the caller; called once.
    func finish(_ result: Result<HTTPResponse, HTTPError>) {
        completion(result)
    }
}
