import FoundationEssentials
import Glibc
import Hummingbird
import NIOCore
import NIOPosix
import NIOSSL
import RefundCore
import ServiceLifecycle

/// The HTTP side of the simulator: routes requests and delivers the gateway's replies.
struct Responder {
    private struct Abandoned: Error {}

    let gateway: Gateway
    let pool: WorkerPool
    let log: RequestLog?
    let latency: Duration

    /// Answers a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - channel: The connection.
    ///   - date: The time of the gateway's clock.
    /// - Returns: The response, which nobody receives if the reply ended the connection.
    func response(to request: Request, over channel: any Channel, at date: Timestamp) async -> Response {
        let connection = ConnectionContext(channel: channel)
        var response = (try? await respond(to: request, over: connection)) ?? Response(status: .internalServerError)
        response.headers[.date] = date.httpDate
        return response
    }

    private func respond(to request: Request, over connection: ConnectionContext) async throws -> Response {
        let path = request.uri.path
        if path == "/simulator/refunds", request.method == .get {
            return response(status: 200, contentType: "application/json", body: Array(gateway.refunds.json.utf8))
        }
        let now = Timestamp.now
        if let refusal = refusal(of: request, path: path) {
            return try await refuse(refusal, RequestRecord(receivedAt: now, path: path))
        }
        guard let buffer = try? await request.body.collect(upTo: RequestCheck.maximumBodySize) else {
            let refusal = Reply.text(status: 413, "a request has at most \(RequestCheck.maximumBodySize) bytes")
            return try await refuse(refusal, RequestRecord(receivedAt: now, path: path))
        }
        let outcome = try await pool.run { [gateway, log] in
            var outcome = try gateway.outcome(of: Array(buffer.readableBytesView), path: path, now: now)
            outcome.record.httpStatus = outcome.reply.httpStatus
            log?.append(outcome.record)
            return outcome
        }
        try await pause(outcome.latency ?? latency)
        var response = try await deliver(outcome.reply, over: connection)
        response.headers[.retryAfter] = outcome.retryAfter.map { "\($0.components.seconds)" }
        return response
    }

    /// The reply to a request that is wrong regardless of its body.
    private func refusal(of request: Request, path: String) -> Reply? {
        let parts = path.split(separator: "/")
        guard parts.starts(with: ["api", "entry"]), parts.count <= 3 else {
            return .text(status: 404, "not found; post queries to /api/entry or /api/entry/refundquery")
        }
        guard request.method == .post else { return .text(status: 405, "use POST") }
        let type = request.headers[.contentType]?.prefix { $0 != ";" && $0 != " " }
        guard type?.lowercased() == "application/json" else {
            return .text(status: 415, "the Content-Type must be application/json")
        }
        return nil
    }

    private func refuse(_ reply: Reply, _ record: RequestRecord) async throws -> Response {
        var record = record
        record.httpStatus = reply.httpStatus
        if let log { try await pool.run { [record] in log.append(record) } }
        guard case .answer(let status, let contentType, let body) = reply else { throw Abandoned() }
        return response(status: status, contentType: contentType, body: body)
    }

    private func deliver(_ reply: Reply, over connection: ConnectionContext) async throws -> Response {
        switch reply {
        case .answer(let status, let contentType, let body):
            return response(status: status, contentType: contentType, body: body)
        case .truncated(let body):
            let half = ByteBuffer(bytes: body.prefix(body.count / 2))
            return Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(contentLength: body.count) { writer in
                    try await writer.write(half)
                    throw Abandoned()
                }
            )
        case .close:
            await connection.close()
        case .reset:
            await connection.reset()
        case .hang:
            try await pause(.seconds(600))
            await connection.close()
        }
        throw Abandoned()
    }

    private func response(status: Int, contentType: String, body: [UInt8]) -> Response {
        var headers: HTTPFields = [.contentType: contentType]
        if status == 405 { headers[.allow] = "POST" }
        return Response(
            status: .init(code: status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        )
    }

    /// Waits, but no longer than the simulator runs.
    private func pause(_ duration: Duration) async throws {
        guard duration > .zero else { return }
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
    }
}

extension Reply {
    /// The HTTP status that the client receives, if any.
    var httpStatus: Int? {
        switch self {
        case .answer(let status, _, _): status
        case .truncated: 200
        case .close, .reset, .hang: nil
        }
    }
}

/// The connection of a request.
struct ConnectionContext {
    let channel: any Channel

    /// Closes the connection without an answer.
    func close() async {
        // Fails only if the client closed it first.
        try? await channel.close()
    }

    /// Resets the connection, as a crashing peer does: with a linger of zero, the kernel sends RST instead of FIN.
    func reset() async {
        let linger = linger(l_onoff: 1, l_linger: 0)
        try? await (channel as? any SocketOptionProvider)?.setSoLinger(linger).get()
        let channel = channel
        try? await channel.eventLoop.submit {
            // Closing below TLS skips the close_notify.
            if let tls = try? channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self) {
                tls.close(promise: nil)
            } else {
                channel.close(promise: nil)
            }
        }.get()
    }
}

extension Timestamp {
    /// The time of the system's clock.
    static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    }

    /// The time as HTTP writes it, such as `Fri, 31 Dec 1999 23:59:59 GMT`.
    var httpDate: String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // `1999-12-31T23:59:59Z`; the first of January 1970 was a Thursday.
        let parts = iso8601Seconds.dropLast().split { $0 == "-" || $0 == "T" }
        let day = days[Int(max(milliseconds, 0) / 86_400_000 % 7)]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(day), \(parts[2]) \(month) \(parts[0]) \(parts[3]) GMT"
    }
}
