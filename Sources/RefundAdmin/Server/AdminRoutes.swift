import Dispatch
import HTTPTypes
import HummingbirdCore
import NIOCore
import RefundCore

/// The answers of the admin address.
struct AdminRoutes: Sendable {
    private let readiness: @Sendable () async -> [String]
    private let metrics: @Sendable () -> String
    // Collecting may wait for the database, which neither the event loop nor Swift's few shared threads must do. One
    // after the other, so that many requests cost the database no more than one.
    private let queue = DispatchQueue(label: "refundd.admin.metrics")

    init(readiness: @escaping @Sendable () async -> [String], metrics: @escaping @Sendable () -> String) {
        self.readiness = readiness
        self.metrics = metrics
    }

    func answer(_ request: Request) async -> Response {
        switch request.method {
        case .get: await answer(path: request.uri.path)
        case .head: await answer(path: request.uri.path).createHeadResponse()
        default: notFound
        }
    }

    private func answer(path: String) async -> Response {
        switch path {
        case "/healthz":
            return response(.ok, "text/plain; charset=utf-8", "ok\n")
        case "/readyz":
            let reasons = await readiness()
            return response(reasons.isEmpty ? .ok : .serviceUnavailable, "application/json", Self.json(reasons))
        case "/metrics":
            return response(.ok, "text/plain; version=0.0.4; charset=utf-8", await collected())
        default:
            return notFound
        }
    }

    private var notFound: Response {
        response(.notFound, "text/plain; charset=utf-8", "not found: there are /healthz, /readyz and /metrics\n")
    }

    private func response(_ status: HTTPResponse.Status, _ contentType: String, _ body: String) -> Response {
        // Connections are not kept: between scrapes there is then nothing to look after.
        Response(
            status: status,
            headers: [.contentType: contentType, .connection: "close"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: body))
        )
    }

    private func collected() async -> String {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: metrics()) }
        }
    }

    private static func json(_ reasons: [String]) -> String {
        var text = JSONText()
        text.object { text in
            text.bool("ready", reasons.isEmpty)
            text.array("reasons") { text in
                for reason in reasons { text.string(nil, reason) }
            }
        }
        return text.text + "\n"
    }
}
