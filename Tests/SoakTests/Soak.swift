import Dispatch
import Foundation
import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStoreSQLite
import RefundTestSupport
import Synchronization

@testable import RefundDaemon

/// The daemon's pipeline over a real database, between a gateway and receivers that answer within the process.
///
/// Every refund has a receiver of its own, and the gateway answers in every way that it can: what is kept in memory
/// for each refund, receiver or answer would show.
final class Soak: Sendable {
    private static let openRefunds = 2_000

    private let folder: URL
    private let pipeline: Pipeline
    private let gauges: QueueGauges
    /// The connection of the application that enqueues.
    private let application: RefundStore
    private let counts: Counts

    private final class Counts: Sendable {
        let enqueued = Atomic(0)
        let answered = Atomic(0)
        let settled = Atomic(0)
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("refundd-soak-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let path = folder.appendingPathComponent("queue.db").path
        let store = try RefundStore(path: path, access: .readWrite)
        try store.migrate(at: SystemClock().now())
        application = try RefundStore(path: path, access: .existing)
        counts = Counts()
        let registry = MetricRegistry()
        let reporter = Reporter(logger: Logger(label: "soak") { _ in SwiftLogNoOpLogHandler() }, metrics: registry)
        gauges = QueueGauges(
            store: try RefundStore(path: path, access: .readOnly),
            registry: registry,
            clock: SystemClock()
        )
        pipeline = Pipeline(
            store: store,
            settings: Self.settings(counts),
            clock: SystemClock(),
            report: { notes in reporter.report(notes) },
            fault: { fault in reporter.report(fault: fault) }
        )
    }

    var answered: Int { counts.answered.load(ordering: .relaxed) }
    var settled: Int { counts.settled.load(ordering: .relaxed) }

    func start() async throws {
        try await pipeline.start()
    }

    /// Enqueues what keeps the pipeline busy until so many queries have been answered.
    func run(untilAnswered goal: Int) async throws {
        while answered < goal {
            if counts.enqueued.load(ordering: .relaxed) - settled < Self.openRefunds { try enqueue(500) }
            try await Task.sleep(for: .milliseconds(10))
        }
        // Somebody looks at the metrics now and then.
        _ = gauges.text()
    }

    func drain() async {
        await pipeline.drain()
    }

    func remove() {
        application.close()
        try? FileManager.default.removeItem(at: folder)
    }

    private func enqueue(_ count: Int) throws(StoreError) {
        let first = counts.enqueued.load(ordering: .relaxed)
        do throws(StoreError) {
            try enqueue(first..<first + count)
            counts.enqueued.add(count, ordering: .relaxed)
        } catch .busy {
            // On a slow machine the pipeline may hold the database for long; the next turn tries again.
        }
    }

    private func enqueue(_ numbers: Range<Int>) throws(StoreError) {
        try application.transaction { tx in
            for number in numbers {
                let columns = [
                    (name: NewRefund.Column.merchantOrderNo, value: "R-\(number)"),
                    (name: .callbackURL, value: "https://shop-\(number).example/hooks"),
                ]
                _ = try tx.enqueue(NewRefund(columns: columns))
            }
        }
    }

    private static func settings(_ counts: Counts) -> EngineSettings {
        var polling = PollingPolicy()
        polling.initialInterval = .milliseconds(1)
        polling.maxInterval = .milliseconds(1)
        let gatewayQueue = DispatchQueue(label: "refundd.soak.gateway")
        var gateway = EngineSettings.Gateway(merchantNo: "312100007235") { query, _, completion in
            gatewayQueue.async {
                let number = counts.answered.add(1, ordering: .relaxed).oldValue
                let outcome = outcome(number)
                if case .report(let report, _) = outcome, report.verdict == .settled {
                    counts.settled.add(1, ordering: .relaxed)
                }
                completion(outcome)
            }
        }
        gateway.limits.maxInFlight = 256
        gateway.limits.maxQueriesPerSecond = 100_000
        let routing = WebhookRouting(
            defaultURL: nil,
            events: Set(EventType.allCases),
            endpoint: { url in url.split(separator: "/").dropFirst().first.map(String.init) ?? url }
        )
        let receivers = DispatchQueue(label: "refundd.soak.receivers")
        var webhooks = EngineSettings.Webhooks(routing: routing, hasSecret: true) { delivery, _, completion in
            receivers.async {
                let isTaken = delivery.attempts > 0 || delivery.id.utf8.last.map { $0 % 16 != 0 } == true
                completion(
                    DeliveryOutcome(
                        status: isTaken ? 204 : 503,
                        error: isTaken ? nil : "HTTP 503",
                        retryAfter: nil,
                        answer: Array("busy".utf8),
                        duration: .milliseconds(2)
                    )
                )
            }
        }
        webhooks.capacity = 64
        webhooks.retrySchedule.delays = [.milliseconds(100), .milliseconds(200)]
        return EngineSettings(polling: polling, gateways: ["default": gateway], webhooks: webhooks)
    }

    /// Of twenty answers one is the verdict, and some are none at all.
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
