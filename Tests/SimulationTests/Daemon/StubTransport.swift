import Dispatch
import RefundHTTP
import Synchronization

/// A transport that sends nothing: the simulation takes each request and answers it when its time has come.
final class StubTransport: HTTPTransport {
    struct Exchange: Sendable {
        let request: HTTPRequest
        let answer: @Sendable (Result<HTTPResponse, HTTPError>) -> Void
    }

    private let exchange = Box<Exchange>()
    private let arrival = DispatchSemaphore(value: 0)

    func send(_ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPResponse, HTTPError>) -> Void) {
        exchange.put(Exchange(request: request, answer: completion))
        arrival.signal()
    }

    /// Takes the request that was just sent, or returns nil if none arrives in time: another thread signs queries.
    func take(withinSeconds wait: Int) -> Exchange? {
        guard arrival.wait(timeout: .now() + .seconds(wait)) == .success else { return nil }
        return exchange.take()
    }
}

/// A place for one value, which a completion handler fills.
final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    func put(_ value: Value) {
        content.withLock { $0 = value }
    }

    func take() -> Value? {
        content.withLock { content in
            defer { content = nil }
            return content
        }
    }
}
