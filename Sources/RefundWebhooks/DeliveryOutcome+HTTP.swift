import RefundCore
import RefundHTTP

extension DeliveryOutcome {
    /// Creates the outcome of an attempt without a response.
    init(failure: String, duration: Duration) {
        self.init(status: nil, error: failure, retryAfter: nil, answer: [], duration: duration)
    }

    /// Creates the outcome of an attempt with a response.
    ///
    /// The status alone decides, however the body ended; the body is only recorded. But a webhook is not delivered by a
    /// response whose head is invalid.
    ///
    /// - Parameters:
    ///   - response: The response.
    ///   - sentAt: The time of the attempt.
    init(_ response: HTTPResponse, sentAt: Timestamp) {
        self.init(
            status: response.status,
            error: Self.error(of: response),
            retryAfter: response.header("Retry-After").flatMap {
                RetryAfter.delay($0, at: sentAt.advanced(by: response.duration))
            },
            answer: response.body,
            duration: response.duration
        )
    }

    private static func error(of response: HTTPResponse) -> String? {
        if case .invalidHead(let reason) = response.bodyEnd {
            return "HTTP \(response.status) with an invalid header: \(reason)"
        }
        return error(for: response.status, location: response.header("Location"))
    }

    /// Describes an unsuccessful status; nil for 2xx.
    ///
    /// Shows only scheme, host and port of a redirect's target: the rest may contain a token.
    private static func error(for status: Int, location: String?) -> String? {
        switch status {
        case 200..<300: return nil
        case 300..<400:
            let place = location.flatMap { try? HTTPURL($0) }.map { " to \($0.origin)" } ?? ""
            return "HTTP \(status)\(place): redirects are not followed; give the receiver's final URL"
        default: return "HTTP \(status)"
        }
    }

    /// Describes why there is no response.
    static func description(of error: HTTPError, timeout: Duration) -> String {
        switch error {
        case .refusedAddress(let refusal): refusal
        case .timeout(let phase): "timed out after \(timeout.formatted) \(phase)"
        default: error.description
        }
    }
}
