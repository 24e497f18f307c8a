package import RefundHTTP

/// A way to send HTTP requests: the client of `RefundHTTP`, or a test's script of answers.
package protocol HTTPSending: Sendable {
    /// Sends a request.
    ///
    /// - Parameters:
    ///   - request: What to send.
    ///   - completion: Takes the answer, or why there is none; called once, on a thread of the sender's.
    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void)
}

extension HTTPClient: HTTPSending {}
