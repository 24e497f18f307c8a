import Foundation
import RefundCore
import RefundStoreSQLite
import RefundTestSupport
import Testing

@testable import RefundDaemon

/// An engine over a real database file, with a clock that only the test moves and no edges: the test answers itself.
final class EngineHarness {
    private(set) var now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    let folder: URL
    let store: RefundStore
    let engine: RefundEngine
    /// What the last cycle asked to be sent.
    private(set) var cycle = Cycle()
    var arrivals = Arrivals()
    /// The refunds whose query is in flight, in the order in which they were sent.
    private(set) var unanswered: [Refund] = []

    init(_ change: (inout EngineSettings) -> Void = { _ in }) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "refundd-engine-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = try RefundStore(path: folder.appending(path: "queue.db").path, access: .readWrite)
        try store.migrate(at: now)
        var settings = Self.settings
        change(&settings)
        engine = RefundEngine(store: store, settings: settings, random: SystemRandomNumberGenerator())
        try engine.start(at: now)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(at: folder)
    }

    /// One gateway without limits that matter, webhooks to one receiver, no jitter.
    static var settings: EngineSettings {
        var polling = PollingPolicy()
        polling.jitter = 0
        var gateway = EngineSettings.Gateway(merchantNo: "312100007235") { _, _, _ in }
        gateway.limits.maxInFlight = 1_000
        gateway.limits.maxQueriesPerSecond = 10_000
        let routing = WebhookRouting(
            defaultURL: "https://shop.example/hooks",
            events: Set(EventType.allCases).subtracting([.processing]),
            endpoint: { url in url.split(separator: "/").dropFirst().first.map(String.init) ?? url }
        )
        let webhooks = EngineSettings.Webhooks(routing: routing, hasSecret: true) { _, _, _ in }
        return EngineSettings(polling: polling, gateways: ["default": gateway], webhooks: webhooks)
    }

    @discardableResult
    func enqueue(_ order: String, _ more: [(name: NewRefund.Column, value: String)] = []) throws -> Int64 {
        let refund = NewRefund(columns: [(name: .merchantOrderNo, value: order)] + more)
        return try store.transaction { tx in try tx.enqueue(refund) } ?? 0
    }

    func advance(by duration: Duration) {
        now = now.advanced(by: duration)
    }

    /// Runs one cycle with what was answered since the last one.
    @discardableResult
    func run() throws -> Cycle {
        let taken = arrivals
        arrivals = Arrivals()
        cycle = try engine.cycle(at: now, taken)
        unanswered += cycle.queries.map(\.refund)
        return cycle
    }

    /// Starts another engine on the database, as after a crash of this one, and runs its first cycle.
    func firstCycleAfterARestart() throws -> Cycle {
        let second = RefundEngine(store: store, settings: Self.settings, random: SystemRandomNumberGenerator())
        try second.start(at: now)
        return try second.cycle(at: now, Arrivals())
    }

    /// Moves the clock to the time that the engine asked to be woken at, and runs a cycle.
    @discardableResult
    func runAtNextWake() throws -> Cycle {
        if let wake = cycle.nextWake { now = max(now, wake) }
        return try run()
    }

    /// Lets every query in flight come back with the same outcome, at the next cycle.
    func answerAll(_ outcome: QueryOutcome) {
        answerFirst(unanswered.count, outcome)
    }

    /// Lets the queries that were sent first come back with the same outcome, at the next cycle.
    func answerFirst(_ count: Int, _ outcome: QueryOutcome) {
        for refund in unanswered.prefix(count) {
            arrivals.answers.append(QueryAnswer(refund: refund, sentAt: now, outcome: outcome))
        }
        unanswered.removeFirst(min(count, unanswered.count))
    }

    /// Lets every webhook of the last cycle end with the same status, at the next cycle.
    func endDeliveries(status: Int) {
        for (delivery, endpoint) in cycle.deliveries { end(delivery, endpoint, status: status) }
    }

    func end(_ delivery: Delivery, _ endpoint: String, status: Int, retryAfter: Duration? = nil) {
        let outcome = DeliveryOutcome(
            status: status,
            error: (200..<300).contains(status) ? nil : "HTTP \(status)",
            retryAfter: retryAfter,
            answer: [],
            duration: .milliseconds(3)
        )
        arrivals.ends.append(DeliveryEnd(delivery: delivery, endpoint: endpoint, sentAt: now, outcome: outcome))
    }

    /// Runs a statement with the `sqlite3` shell, as another program would, and returns what it prints.
    @discardableResult
    func sqlite(_ statement: String) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["sqlite3", store.path, statement]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return output
    }

    func refund(_ id: Int64) throws -> Refund {
        try #require(try store.read { tx in try tx.refund(id: id) })
    }

    func webhooks(_ id: Int64) throws -> [Record] {
        try store.read { tx in try tx.webhooks(refundID: id) }
    }

    func transitions(_ id: Int64) throws -> [Record] {
        try store.read { tx in try tx.transitions(refundID: id) }
    }
}

extension QueryOutcome {
    static func report(_ verdict: GatewayVerdict, amount: String? = "1200", currency: String? = "JPY") -> QueryOutcome {
        .report(
            GatewayReport(verdict, amount, currency),
            Evidence(code: "0", psn: "psn-1", response: Array("{\"code\":\"0\"}".utf8))
        )
    }

    static let notFound = QueryOutcome.notFound(
        message: "no such order",
        Evidence(code: "E04111", psn: "psn-2", response: Array("{\"code\":\"E04111\"}".utf8))
    )

    static let refusal = QueryOutcome.credentialsRefused(code: "SYS002", message: "bad sign", isVerified: false)
}
