import RefundCore
import RefundCrypto
import RefundHTTP

extension QueryOutcome {
    // The difference from its own clock that PayCloud accepts: <https://developer.codepay.us/docs/CloudAPI>.
    private static let clockWindow: Duration = .seconds(15 * 60)

    /// Creates the outcome of a query from the response.
    ///
    /// - Parameters:
    ///   - response: The response.
    ///   - query: The query.
    ///   - appID: The application's id at the gateway.
    ///   - keys: The gateway's public keys, any of which may have signed.
    ///   - sentAt: The time of the query.
    init(
        _ response: HTTPResponse,
        for query: RefundQuery,
        appID: String,
        verifiedBy keys: [RSAPublicKey],
        sentAt: Timestamp
    ) {
        let now = sentAt.advanced(by: response.duration)
        let answer = Self.answer(response, for: query, appID: appID, verifiedBy: keys)
        let outcome =
            switch (response.status, answer) {
            // PayCloud answers 200 even to what it refuses; an edge in front of it may not.
            case (200, _), (_, .credentialsRefused): answer
            case (429, _), (503, _): Self.slowdown(response, at: now)
            default: QueryOutcome.unreachable(reason: Self.unexpected(response))
            }
        self = outcome.noting(clockOffset: Self.clockOffset(of: response, at: now))
    }

    // The signed body is the verdict: a body that is not complete says nothing.
    private static func answer(
        _ response: HTTPResponse,
        for query: RefundQuery,
        appID: String,
        verifiedBy keys: [RSAPublicKey]
    ) -> QueryOutcome {
        switch response.bodyEnd {
        case .complete: GatewayAnswer.outcome(of: response.body, for: query, appID: appID, verifiedBy: keys)
        case .broken(let error): .unreachable(reason: "\(error)".sanitized(maxLength: 300))
        case .invalidHead(let reason):
            .unreachable(reason: "the header of the gateway's response is invalid: \(reason)".sanitized(maxLength: 300))
        case .truncated: .unreachable(reason: "the gateway's response is incomplete")
        }
    }

    private static func slowdown(_ response: HTTPResponse, at now: Timestamp) -> QueryOutcome {
        let retryAfter = response.header("Retry-After").flatMap { RetryAfter.delay($0, at: now) }
        // Without a time to come back, 503 is one of the many errors of what stands in front of a gateway.
        guard response.status == 429 || retryAfter != nil else { return .unreachable(reason: unexpected(response)) }
        let wait = retryAfter.map { " and asks to wait for \($0.formatted)" } ?? ": too many queries"
        return .slowedDown(reason: "the gateway answered HTTP \(response.status)\(wait)", retryAfter: retryAfter)
    }

    private static func unexpected(_ response: HTTPResponse) -> String {
        var words = "the gateway answered HTTP \(response.status) instead of 200"
        if let location = response.header("Location") {
            // What follows may be a session's token.
            let place = String(location.prefix { $0 != "?" && $0 != "#" })
            words += ", redirecting to \(place.quoted(maxLength: 120))"
        }
        let start = String(decoding: response.body.prefix(400), as: UTF8.self)
            .split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if !start.isEmpty { words += ": \(start.quoted(maxLength: 120))" }
        return words.sanitized(maxLength: 400)
    }

    // MARK: - Clock

    // How far our clock is ahead of the gateway's, or nil if they are close enough or the response does not tell.
    private static func clockOffset(of response: HTTPResponse, at now: Timestamp) -> Duration? {
        // A response with an age comes from a cache, and its date is that of another day.
        guard response.header("Age") == nil, let date = response.header("Date").flatMap(RetryAfter.httpDate) else {
            return nil
        }
        let offset = now.duration(since: date)
        return offset > clockWindow || offset < .zero - clockWindow ? offset : nil
    }

    // Nothing signs the date, so it changes no verdict: it only explains what may have other causes too.
    private func noting(clockOffset offset: Duration?) -> QueryOutcome {
        guard let offset else { return self }
        let size = offset < .zero ? .zero - offset : offset
        let minutes = Duration.seconds((size.components.seconds + 30) / 60 * 60).formatted
        let note = " (this machine's clock is \(minutes) \(offset < .zero ? "behind" : "ahead of") the response's date)"
        return switch self {
        case .report, .notFound, .slowedDown: self
        case .inconclusive(let reason): .inconclusive(reason: reason + note)
        case .credentialsRefused(let code, let message, let isVerified):
            .credentialsRefused(code: code, message: message + note, isVerified: isVerified)
        case .unverified(let reason, _): .unverified(reason: reason + note, clockOffset: offset)
        case .unreachable(let reason, _): .unreachable(reason: reason + note, clockOffset: offset)
        }
    }
}
