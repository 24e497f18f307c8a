package import RefundCore

// What HTTP says around a gateway's answer is the same for every protocol; only the body is the protocol's.

extension QueryAttempt {
    /// Judges the exchange of a query.
    ///
    /// - Parameters:
    ///   - result: The response, or the reason there is none.
    ///   - url: The URL that the query was sent to, named where there is no response.
    ///   - sentAt: The time of the query.
    ///   - duration: The time since then, for an exchange without a response.
    ///   - clockWindow: The difference between the clocks beyond which a gateway may refuse queries.
    ///   - answer: Reads and verifies a complete body.
    package init(
        _ result: Result<HTTPResponse, HTTPError>,
        from url: String,
        sentAt: Timestamp,
        duration: @autoclosure () -> Duration,
        clockWindow: Duration,
        answer: ([UInt8]) -> QueryOutcome
    ) {
        switch result {
        case .failure(.interrupted): self = .interrupted
        case .failure(let error):
            let reason = "\(HTTPURL.endpoint(of: url)): \(error)".sanitized(maxLength: 300)
            self = .completed(.unreachable(reason: reason), duration: duration())
        case .success(let response) where response.bodyEnd == .broken(.interrupted): self = .interrupted
        case .success(let response):
            let outcome = QueryOutcome(response, sentAt: sentAt, clockWindow: clockWindow, answer: answer)
            self = .completed(outcome, duration: response.duration)
        }
    }
}

extension QueryOutcome {
    /// Judges a gateway's response.
    ///
    /// - Parameters:
    ///   - response: The response.
    ///   - sentAt: The time of the query.
    ///   - clockWindow: The difference between the clocks beyond which a gateway may refuse queries.
    ///   - answer: Reads and verifies a complete body.
    init(_ response: HTTPResponse, sentAt: Timestamp, clockWindow: Duration, answer: ([UInt8]) -> QueryOutcome) {
        let now = sentAt.advanced(by: response.duration)
        let answer = Self.answer(in: response, readBy: answer)
        let outcome =
            switch (response.status, answer) {
            // A gateway, or an edge in front of it, may give a refusal another status than 200.
            case (200, _), (_, .credentialsRefused): answer
            case (429, _), (503, _): Self.slowdown(response, at: now)
            default: QueryOutcome.unreachable(reason: Self.unexpected(response))
            }
        self = outcome.noting(clockOffset: Self.clockOffset(of: response, at: now, window: clockWindow))
    }

    // The signed body is the verdict: a body that is not complete says nothing.
    private static func answer(in response: HTTPResponse, readBy read: ([UInt8]) -> QueryOutcome) -> QueryOutcome {
        switch response.bodyEnd {
        case .complete: read(response.body)
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
    private static func clockOffset(of response: HTTPResponse, at now: Timestamp, window: Duration) -> Duration? {
        // A response with an age comes from a cache, and its date is that of another day.
        guard response.header("Age") == nil, let date = response.header("Date").flatMap(RetryAfter.httpDate) else {
            return nil
        }
        let offset = now.duration(since: date)
        return offset > window || offset < .zero - window ? offset : nil
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
