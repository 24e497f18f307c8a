import Hummingbird
import NIOCore
import RefundCore
import ServiceLifecycle

/// The HTTP side of the simulator: finds out what is asked for, and delivers what the gateway replies.
struct Responder {
    private struct Abandoned: Error {}

    let gateway: Gateway
    let pool: SigningPool
    let log: RequestLog?
    let latency: Duration

    /// Answers a request that came by a connection.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - channel: The connection.
    ///   - date: What the gateway's clock says.
    /// - Returns: The response; one of a connection that was ended on purpose reaches nobody.
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

    /// What is wrong with a request before its body is looked at.
    private func refusal(of request: Request, path: String) -> Reply? {
        let parts = path.split(separator: "/")
        guard parts.starts(with: ["api", "entry"]), parts.count <= 3 else {
            return .text(status: 404, "there is nothing here; queries go to /api/entry or /api/entry/refundquery")
        }
        guard request.method == .post else { return .text(status: 405, "queries are sent with POST") }
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

    /// Waits, but not longer than the simulator runs.
    private func pause(_ duration: Duration) async throws {
        guard duration > .zero else { return }
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
    }
}

extension Reply {
    /// The HTTP status that the client sees, or nil where it sees none.
    var httpStatus: Int? {
        switch self {
        case .answer(let status, _, _): status
        case .truncated: 200
        case .close, .reset, .hang: nil
        }
    }
}
