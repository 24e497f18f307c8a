import Dispatch
import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import RefundStoreSQLite
import RefundTestSupport
import Synchronization

@testable import RefundDaemon

/// The scheduler over a real database, with a gateway and receivers that answer within the process.
///
/// Every refund has a receiver of its own, and the gateway answers in every way that it can, so anything that is kept in
/// memory for each refund, receiver or answer shows.
final class Soak: Sendable {
    private static let openRefunds = 2_000

    private let folder: TemporaryFolder
    private let scheduler: Scheduler
    private let store: any QueueStore
    private let gauges: QueueGauges
    private let gaugesStore: any QueueStore
    /// The connection of the application that enqueues.
    private let application: any QueueStore
    private let peers = SoakPeers()
    private let enqueued = Atomic(0)

    init() throws {
        folder = try TemporaryFolder()
        let path = folder.path("queue.db")
        store = try SQLiteStore(path: path, access: .readWrite)
        try store.migrate(at: SystemClock().now())
        application = try SQLiteStore(path: path, access: .existing)
        gaugesStore = try SQLiteStore(path: path, access: .readOnly)
        let registry = MetricRegistry()
        let reporter = Reporter(logger: Logger(label: "soak") { _ in SwiftLogNoOpLogHandler() }, metrics: registry)
        gauges = QueueGauges(store: gaugesStore, registry: registry, clock: SystemClock())
        scheduler = Scheduler(
            store: store,
            settings: Self.settings(peers),
            clock: SystemClock(),
            report: { reporter.report($0) },
            fault: { reporter.report(fault: $0) }
        )
    }

    var answered: Int { peers.answered.load(ordering: .relaxed) }
    var settled: Int { peers.settled.load(ordering: .relaxed) }
    var delivered: Int { peers.delivered.load(ordering: .relaxed) }

    func start() async throws {
        try await scheduler.start()
    }

    /// Keeps the scheduler busy until so many queries have been answered, and then reads the metrics once.
    func run(untilAnswered goal: Int) async throws {
        while answered < goal {
            if enqueued.load(ordering: .relaxed) - settled < Self.openRefunds { try enqueue(500) }
            try await Task.sleep(for: .milliseconds(10))
        }
        _ = gauges.text()
    }

    /// Drains the scheduler and closes the database.
    func end() async {
        await scheduler.drain()
        await scheduler.close()
        for store in [application, gaugesStore, store] { store.close() }
    }

    private func enqueue(_ count: Int) throws(StoreError) {
        let first = enqueued.load(ordering: .relaxed)
        do throws(StoreError) {
            try application.write { tx throws(StoreError) in
                for number in first..<first + count {
                    let columns = [
                        (name: NewRefund.Column.merchantOrderNo, value: "R-\(number)"),
                        (name: .callbackURL, value: "https://shop-\(number).example/hooks"),
                    ]
                    _ = try tx.enqueue(NewRefund(columns: columns))
                }
            }
            enqueued.add(count, ordering: .relaxed)
        } catch {
            // On a slow machine the scheduler may hold the database for long; the next turn tries again.
            guard error.kind == .busy else { throw error }
        }
    }

    private static func settings(_ peers: SoakPeers) -> SchedulerSettings {
        var polling = PollingPolicy()
        polling.initialInterval = .milliseconds(1)
        polling.maxInterval = .milliseconds(1)
        var gateway = SchedulerSettings.Gateway(merchantNo: "312100007235", client: peers)
        gateway.limits.maxInFlight = 256
        gateway.limits.maxQueriesPerSecond = 100_000
        let routing = WebhookRouting(
            defaultURL: nil,
            events: Set(EventType.allCases),
            endpoint: { url in url.split(separator: "/").dropFirst().first.map(String.init) ?? url }
        )
        var webhooks = SchedulerSettings.Webhooks(routing: routing, hasSecret: true, client: peers)
        webhooks.maxInFlight = 64
        webhooks.retrySchedule.delays = [.milliseconds(100), .milliseconds(200)]
        return SchedulerSettings(polling: polling, gateways: ["default": gateway], webhooks: webhooks)
    }
}

/// A gateway and receivers that answer at once, on threads of their own.
private final class SoakPeers: GatewayQuerying, WebhookDelivering {
    let answered = Atomic(0)
    let settled = Atomic(0)
    let delivered = Atomic(0)
    private let gateway = DispatchQueue(label: "refundd.soak.gateway")
    private let receivers = DispatchQueue(label: "refundd.soak.receivers")

    func query(
        _: RefundQuery,
        at _: Timestamp,
        isProbe _: Bool,
        completion: @escaping @Sendable (QueryAttempt) -> Void
    ) {
        gateway.async { [self] in
            let number = answered.add(1, ordering: .relaxed).oldValue
            let outcome = Self.outcome(number)
            if case .report(let report, _) = outcome, report.verdict == .settled {
                settled.add(1, ordering: .relaxed)
            }
            completion(.completed(outcome, duration: .milliseconds(2)))
        }
    }

    func deliver(
        _ delivery: Delivery,
        at _: Timestamp,
        isProbe _: Bool,
        completion: @escaping @Sendable (DeliveryAttempt) -> Void
    ) {
        receivers.async { [self] in
            let isAccepted = delivery.attempts > 0 || delivery.id.utf8.last.map { $0 % 16 != 0 } == true
            if isAccepted { delivered.add(1, ordering: .relaxed) }
            completion(
                .completed(
                    DeliveryOutcome(
                        status: isAccepted ? 204 : 503,
                        error: isAccepted ? nil : "HTTP 503",
                        retryAfter: nil,
                        answer: Array("busy".utf8),
                        duration: .milliseconds(2)
                    )
                )
            )
        }
    }

    /// Of twenty answers, one is the verdict and some are no answers at all.
    private static func outcome(_ number: Int) -> QueryOutcome {
        let evidence = Evidence(code: "0", psn: "P-\(number)", response: Array(#"{"psn":"P-\#(number)"}"#.utf8))
        let report = GatewayReport(number % 20 == 19 ? .settled : .processing, "1200", "JPY")
        return switch number % 20 {
        case 1: .unreachable(reason: "answer \(number) did not come")
        case 2: .unverified(reason: "answer \(number) is not signed")
        case 3: .inconclusive(reason: "answer \(number) says nothing")
        case 4: .notFound(message: "no order in answer \(number)", evidence)
        default: .report(report, evidence)
        }
    }
}
