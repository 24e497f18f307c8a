import Dispatch
import RefundCore

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
    private let names: Set<String>
    private let readiness: @Sendable () async -> [ReadinessProblem]
    private let metrics: @Sendable () -> String
    // Rendering waits for the database, which would block the cooperative pool. A serial queue, so that many scrapes
    // read the database one after another.
    private let queue = DispatchQueue(label: "refundd.admin.metrics")

    init(
        names: Set<String>,
        readiness: @escaping @Sendable () async -> [ReadinessProblem],
        metrics: @escaping @Sendable () -> String
    ) {
        self.names = names
        self.readiness = readiness
        self.metrics = metrics
    }

    func response(to request: AdminRequest) async -> AdminResponse {
        guard request.isAddressed(to: names) else { return .text(421) }
        guard ["/healthz", "/readyz", "/metrics"].contains(request.path) else { return .text(404) }
        guard ["GET", "HEAD"].contains(request.method) else { return .text(405) }
        var response =
            switch request.path {
            case "/readyz": Self.response(await readiness())
            case "/metrics":
                AdminResponse(status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: await rendered())
            default: AdminResponse(status: 200, body: "ok\n")
            }
        response.isHeadOnly = request.method == "HEAD"
        return response
    }

    private func rendered() async -> String {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: metrics()) }
        }
    }

    private static func response(_ problems: [ReadinessProblem]) -> AdminResponse {
        var json = JSONWriter()
        json.object { json in
            json.bool("ready", problems.isEmpty)
            json.array("reasons") { json in
                for problem in problems { json.string(nil, problem.rawValue) }
            }
        }
        return AdminResponse(status: problems.isEmpty ? 200 : 503, type: "application/json", body: json.text + "\n")
    }
}
