import Foundation
import RefundHTTP
import Synchronization

extension HTTPClient {
    /// Creates a client with small bounds.
    convenience init(
        test name: String = "test",
        maxConnections: Int = 8,
        maxConnectionsPerHost: Int = 8,
        trustedDirectory: String? = nil
    ) throws {
        var settings = Settings(
            maxConnections: maxConnections,
            maxConnectionsPerHost: maxConnectionsPerHost,
            name: name,
            userAgent: "refund-tests/1"
        )
        if let trustedDirectory { settings.trustedDirectory = trustedDirectory }
        try self.init(settings: settings)
    }

    /// Sends a request and waits for its result; a second completion of the same request would trap.
    func result(of request: HTTPRequest) async -> Result<HTTPResponse, HTTPError> {
        await withCheckedContinuation { continuation in
            send(request) { continuation.resume(returning: $0) }
        }
    }

    /// Sends a request and waits for its answer.
    func answer(to request: HTTPRequest) async throws -> HTTPResponse {
        try await result(of: request).get()
    }

    /// Sends a request and waits for its error, `nil` when there is an answer.
    func error(of request: HTTPRequest) async -> HTTPError? {
        guard case .failure(let error) = await result(of: request) else { return nil }
        return error
    }
}

extension HTTPRequest {
    /// Creates a request with bounds that no test reaches unless it sets them.
    init(test url: String, body: String = "") {
        self.init(url: url, body: Array(body.utf8), timeout: .seconds(60), responseLimit: .refuseAbove(1_000_000))
    }
}

/// A list that grows on any thread.
final class Recorder<Element: Sendable>: Sendable {
    private let list = Mutex<[Element]>([])

    var elements: [Element] { list.withLock { $0 } }

    func add(_ element: Element) {
        list.withLock { $0.append(element) }
    }
}

/// Answers every request of a connection with 200 and the request's own body.
@Sendable
func echo(_ connection: RawConnection) {
    while let request = connection.readRequest() {
        connection.answer(body: request.body)
    }
}

/// Reads a request and never answers.
@Sendable
func stayMute(_ connection: RawConnection) {
    connection.waitForEnd()
}
