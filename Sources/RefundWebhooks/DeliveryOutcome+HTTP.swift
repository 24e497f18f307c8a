import RefundCore
import RefundHTTP

extension DeliveryOutcome {
    /// Creates the outcome of an attempt without an answer.
    init(failure: String, duration: Duration) {
        self.init(status: nil, error: failure, retryAfter: nil, answer: [], duration: duration)
    }

    /// Creates the outcome of an attempt that was answered.
    ///
    /// - Parameters:
    ///   - response: The answer.
    ///   - sentAt: The time the attempt began at.
    init(_ response: HTTPResponse, sentAt: Timestamp) {
        self.init(
            status: response.status,
            error: Self.words(for: response.status),
            retryAfter: response.header("Retry-After").flatMap {
                RetryAfter.delay($0, at: sentAt.advanced(by: response.duration))
            },
            answer: response.body,
            duration: response.duration
        )
    }

    /// Says what is wrong with a status; nil for 2xx.
    private static func words(for status: Int) -> String? {
        switch status {
        case 200..<300: nil
        case 300..<400: "HTTP \(status): redirects are not followed; give the receiver's final URL"
        default: "HTTP \(status)"
        }
    }

    /// Says why no answer came.
    static func words(for error: HTTPError, timeout: Duration) -> String {
        switch error {
        case .refusedAddress(let refusal): refusal
        case .timeout: "no complete answer within the timeout of \(timeout.formatted)"
        default: error.description
        }
    }
}
