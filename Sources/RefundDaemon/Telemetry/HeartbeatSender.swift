import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundHTTP
import RefundScheduler
import RefundStore
import Synchronization

/// Sends heartbeats to the operator's monitor over a client of its own; refunds never wait for it.
///
/// The monitor may be anywhere, on this machine and in private networks too: the operator chose it, and not an
/// application. Its URLs are secret and appear nowhere.
final class HeartbeatSender: Sendable {
    private static let timeout: Duration = .seconds(10)
    // How long the scheduler may take to commit a cycle.
    private static let proofLimit: Duration = .seconds(10)
    private static let proofStep: Duration = .milliseconds(50)
    // A monitor that stays down is reported this often.
    private static let warningInterval: Duration = .seconds(3_600)

    private let evidence = Mutex(Heartbeat.Evidence())
    private let current: Mutex<HeartbeatSettings>
    private let (changes, change) = AsyncStream<HeartbeatSettings>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let clock: any WallClock
    private let logger: Logger
    private let registry: MetricRegistry

    init(_ settings: HeartbeatSettings, clock: any WallClock, logger: Logger, registry: MetricRegistry) {
        self.clock = clock
        self.logger = logger
        self.registry = registry
        current = Mutex(settings)
        change.yield(settings)
    }

    /// Applies new settings; a heartbeat that goes on unchanged is not disturbed.
    func use(_ settings: HeartbeatSettings) {
        let isNew = current.withLock { current in
            defer { current = settings }
            return current != settings
        }
        if isNew { change.yield(settings) }
    }

    /// Takes the events of a cycle as evidence; called on the scheduler's thread.
    func note(_ events: [SchedulerEvent]) {
        var (isCommitted, queries, answers) = (false, 0, 0)
        for event in events {
            switch event {
            case .proved: isCommitted = true
            case .queried(_, _, .report, _), .queried(_, _, .notFound, _), .queried(_, _, .inconclusive, _):
                queries += 1
                answers += 1
            case .queried: queries += 1
            default: break
            }
        }
        guard isCommitted || queries > 0 else { return }
        evidence.withLock { evidence in
            if isCommitted { evidence.isCommitted = true }
            evidence.queries += queries
            evidence.answers += answers
        }
    }

    /// Sends heartbeats until the task is cancelled.
    ///
    /// - Parameters:
    ///   - prove: Makes the scheduler commit a cycle.
    ///   - dueLag: Reads how long the refund that is due longest has waited; nil if that fails. It may block.
    func run(prove: @Sendable @escaping () -> Void, dueLag: @Sendable @escaping () -> Duration?) async {
        var beating: Task<Void, Never>?
        for await settings in changes {
            beating?.cancel()
            await beating?.value
            beating = Task { await beat(settings, prove, dueLag) }
        }
        beating?.cancel()
    }

    private func beat(
        _ settings: HeartbeatSettings,
        _ prove: @Sendable () -> Void,
        _ dueLag: @Sendable @escaping () -> Duration?
    ) async {
        guard let url = settings.url else { return }
        let client: HTTPClient
        do throws(HTTPError) {
            client = try HTTPClient(settings: .init(maxConnections: 1, name: "heartbeat", userAgent: "refundd"))
        } catch {
            return logger.error("cannot send heartbeats", metadata: ["error": "\(error)"])
        }
        defer { client.shutDown() }
        evidence.withLock { $0 = Heartbeat.Evidence() }
        var heartbeat = Heartbeat(every: settings.interval, at: clock.uptime())
        var lastWarning: Duration?
        while !Task.isCancelled {
            await waitForProof(prove)
            guard let lag = await onDedicatedThread(grace: .zero, dueLag) else { return }
            let signal = evidence.withLock { evidence in
                evidence.dueLag = lag
                return heartbeat.decide(&evidence, at: clock.uptime())
            }
            switch signal {
            case .alive:
                let problem = await request(url, client)
                guard !Task.isCancelled else { return }
                if let problem {
                    heartbeat.wasNotAccepted(at: clock.uptime())
                    warn(problem, &lastWarning)
                } else {
                    Metric.heartbeatLastSuccess.set(Double(clock.now().milliseconds) / 1_000, in: registry)
                    if lastWarning != nil { logger.notice("the monitor accepts heartbeats again") }
                    lastWarning = nil
                }
            case .failed(let reason):
                logger.warning("no heartbeat", metadata: ["reason": "\(reason)"].id(.heartbeatStopped))
                if let url = settings.failureURL, let problem = await request(url, client) {
                    warn(problem, &lastWarning)
                }
            case nil: break
            }
            try? await Task.sleep(for: max(heartbeat.nextDecision - clock.uptime(), .zero))
        }
    }

    // The evidence has it once the scheduler has committed the cycle.
    private func waitForProof(_ prove: @Sendable () -> Void) async {
        prove()
        let end = clock.uptime() + Self.proofLimit
        while !evidence.withLock({ $0.isCommitted }), clock.uptime() < end, !Task.isCancelled {
            try? await Task.sleep(for: Self.proofStep)
        }
    }

    /// Requests a URL.
    ///
    /// - Returns: Nil if it was accepted; otherwise the problem, without the URL.
    private func request(_ url: String, _ client: HTTPClient) async -> String? {
        var request = HTTPRequest(
            url: url,
            timeout: Self.timeout,
            responseLimit: .keepFirst(1_024),
            connection: .fresh
        )
        request.method = .get
        return await untilCancelled { [request] in
            await withCheckedContinuation { continuation in
                client.send(request) { continuation.resume(returning: Self.problem($0)) }
            }
        } ?? "interrupted"
    }

    private static func problem(_ result: Result<HTTPResponse, HTTPError>) -> String? {
        switch result {
        case .success(let response): (200..<300).contains(response.status) ? nil : "HTTP status \(response.status)"
        // libcurl's words name the host.
        case .failure(.certificate): "the monitor's certificate is not trusted"
        case .failure(let error): error.description
        }
    }

    private func warn(_ problem: String, _ last: inout Duration?) {
        let now = clock.uptime()
        if let last, now - last < Self.warningInterval { return }
        last = now
        let message = "the monitor does not accept heartbeats; while that lasts, this is repeated every hour"
        logger.warning("\(message)", metadata: ["problem": "\(problem)"].id(.heartbeatNotAccepted))
    }
}
