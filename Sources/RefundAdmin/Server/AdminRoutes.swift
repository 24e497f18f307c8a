import Dispatch
import RefundCore
import Synchronization

/// Why the daemon is not ready.
///
/// Everybody on the machine can read it, so a reason never names a path, a process or a refund.
package enum ReadinessProblem: String, Sendable, CaseIterable {
    /// The scheduler has had work for longer than a cycle may take.
    case schedulerStalled = "the scheduler makes no progress"
    /// The last transaction failed; the scheduler retries.
    case databaseWriteFailed = "the database cannot be written"
    /// The database cannot be trusted any more; the daemon exits.
    case databaseLost = "the database is lost"
}

/// The responses of the admin address.
struct AdminRoutes: Sendable {
    /// Host names to serve besides `localhost` and IP addresses, in lower case.
    let names: @Sendable () -> Set<String>
    let readiness: @Sendable () async -> [ReadinessProblem]
    let metrics: @Sendable () -> String
    let pages: @Sendable (AdminPageRequest) -> AdminPage
    // Rendering waits for the database, which would block the cooperative pool. The queue is serial, so that scrapes
    // and pages read the database one at a time.
    private let queue = DispatchQueue(label: "refundd.admin.pages")

    func response(to request: AdminRequest) async -> AdminResponse {
        guard request.isAddressed(to: names()) else { return .text(421) }
        let page = AdminPageRequest(request)
        let isKnown = page != nil || ["/healthz", "/readyz", "/metrics", "/style.css"].contains(request.path)
        guard isKnown else { return .text(404) }
        guard ["GET", "HEAD"].contains(request.method) else { return .text(405) }
        var response: AdminResponse
        switch request.path {
        case "/readyz": response = Self.response(await readiness())
        case "/metrics":
            response = await rendered { [metrics] in
                AdminResponse(status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: metrics())
            }
        case "/style.css": response = AdminResponse(status: 200, type: "text/css; charset=utf-8", body: pageStyle)
        default:
            response = AdminResponse(status: 200, body: "ok\n")
            if let page { response = await rendered { [pages] in pages(page).response } }
        }
        response.isHeadOnly = request.method == "HEAD"
        return response
    }

    /// Renders when its turn comes, unless nobody waits any more: while a database hangs, requests would pile up and
    /// delay later ones.
    private func rendered(_ render: @escaping @Sendable () -> AdminResponse) async -> AdminResponse {
        let request = RenderingRequest()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    let isCancelled = request.isCancelled.load(ordering: .relaxed)
                    continuation.resume(returning: isCancelled ? .text(503) : render())
                }
            }
        } onCancel: {
            request.isCancelled.store(true, ordering: .relaxed)
        }
    }

    private final class RenderingRequest: Sendable {
        let isCancelled = Atomic(false)
    }

    private static func response(_ problems: [ReadinessProblem]) -> AdminResponse {
        var json = JSONWriter()
        json.object { json in
            json.bool("ready", problems.isEmpty)
            json.strings("reasons", problems.map(\.rawValue))
        }
        return AdminResponse(status: problems.isEmpty ? 200 : 503, type: "application/json", body: json.text + "\n")
    }
}
