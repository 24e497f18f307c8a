import Foundation
import Synchronization

@testable import RefundHTTP

extension HTTPClient {
    /// Creates a client with low limits.
    convenience init(
        test name: String = "test",
        maxConnections: Int = 8,
        configure: (inout Settings) -> Void = { _ in }
    ) throws {
        var settings = Settings(maxConnections: maxConnections, name: name, userAgent: "refund-tests/1")
        configure(&settings)
        try self.init(settings: settings)
    }

    /// Sends a request and waits for its result.
    ///
    /// A second call of the completion would trap.
    func result(of request: HTTPRequest) async -> Result<HTTPResponse, HTTPError> {
        await withCheckedContinuation { continuation in
            send(request) { continuation.resume(returning: $0) }
        }
    }

    /// Sends a request and waits for its response.
    func response(to request: HTTPRequest) async throws -> HTTPResponse {
        try await result(of: request).get()
    }

    /// Sends a request and waits for its error; `nil` if there is a response.
    func error(of request: HTTPRequest) async -> HTTPError? {
        guard case .failure(let error) = await result(of: request) else { return nil }
        return error
    }
}

extension HTTPRequest {
    /// Creates a request with limits that no test reaches unless it sets them.
    init(test url: String, body: String = "") {
        self.init(url: url, body: Array(body.utf8), timeout: .seconds(60), responseLimit: .refuseAbove(1_000_000))
    }
}

/// A list that any thread may append to.
final class Recorder<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var elements: [Element] { list.withLock { $0 } }

    func add(_ element: Element) {
        list.withLock { $0.append(element) }
    }
}

/// Responds to every request of a connection with 200 and the request's own body.
@Sendable
func echo(_ connection: RawConnection) {
    while let request = connection.readRequest() {
        connection.respond(body: request.body)
    }
}

/// Reads a request and never responds.
@Sendable
func stayMute(_ connection: RawConnection) {
    connection.waitForEnd()
}
