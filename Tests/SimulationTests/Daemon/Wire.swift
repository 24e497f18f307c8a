import Dispatch
import RefundHTTP
import Synchronization

/// Where the real edges put their HTTP requests: the simulation takes each out and answers it when its time has come.
final class Wire: HTTPTransport {
    struct Exchange: Sendable {
        let request: HTTPRequest
        let answer: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    }

    private let exchange = Box<Exchange>()
    private let isThere = DispatchSemaphore(value: 0)

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        exchange.put(Exchange(request: request, answer: completion))
        isThere.signal()
    }

    /// Takes out the request that was made just now; nil when none comes within a time.
    func take(withinSeconds wait: Int) -> Exchange? {
        guard isThere.wait(timeout: .now() + .seconds(wait)) == .success else { return nil }
        return exchange.take()
    }
}
