import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import Synchronization
import Testing

@testable import RefundDaemon

struct ReporterTests {
    private let log = RecordedLog()

    private func report(_ events: SchedulerEvent...) {
        let logger = Logger(label: "test") { _ in log }
        Reporter(logger: logger, metrics: MetricRegistry()).report(events)
    }

    private func attempt(
        _ attempts: Int,
        status: Int?,
        error: String?,
        _ result: AttemptRecord.Result,
        _ disabling: URLHealth.Disabling? = nil
    ) -> SchedulerEvent {
        let delivery = Delivery(
            id: "msg_1",
            refundID: 7,
            order: "R-1001",
            url: "https://shop.example/token",
            endpoint: "https://shop.example:443",
            body: [],
            attempts: attempts
        )
        let outcome = DeliveryOutcome(status: status, error: error, retryAfter: nil, answer: [], duration: .zero)
        return .attempted(delivery, outcome, result, disabling)
    }

    private static let disabling = URLHealth.Disabling(at: Timestamp(milliseconds: 0), reason: "HTTP 410")

    @Test func linesAboutAWebhookNameItsRefundAsLinesAboutTheRefundDo() {
        report(attempt(0, status: 204, error: nil, .delivered(at: Timestamp(milliseconds: 0))))
        #expect(log.metadata["order"] == "R-1001" && log.metadata["refund_id"] == "7")
        let delivery = Delivery(id: "msg_1", refundID: 7, order: "R-1002", url: "", body: [], attempts: 0)
        report(.urlDisabled(delivery, Self.disabling))
        #expect(log.metadata["order"] == "R-1002" && log.metadata["webhook_id"] == "msg_1")
    }

    @Test func refundThatTheGatewayDoesNotKnowIsToldOnceAtTheSecondQuery() {
        let evidence = Evidence(code: "E04111", psn: nil, response: [])
        for attempts in 0..<4 {
            var refund = Refund(id: 7, merchantOrderNo: "R-1O01", createdAt: Timestamp(milliseconds: 0))
            (refund.attempts, refund.isUnknownOrder) = (attempts, attempts > 0)
            let outcome = QueryOutcome.notFound(message: "none", evidence)
            report(.queried(gateway: "default", refund: refund, outcome, duration: .zero))
        }
        let told = log.lines.filter { $0.hasPrefix("notice ") }
        #expect(told.count == 1 && told.first?.contains("run: refundd show R-1O01") == true)
        #expect(log.metadata["order"] == "R-1O01")
    }

    @Test func webhookThatFailedItsLastRetryIsDeadAfterThatAttempt() {
        report(attempt(9, status: 500, error: "HTTP 500", .dead))
        #expect(log.lines == ["error webhook is dead: its last retry failed"])
        #expect(log.metadata["attempt"] == "10")
        #expect(log.metadata["error"] == "HTTP 500")
    }

    @Test func webhookWhoseReceiverIsGoneIsDeadForThatReason() {
        report(attempt(0, status: 410, error: "HTTP 410", .dead, Self.disabling))
        #expect(log.lines == ["error webhook is dead: the receiver answered 410 Gone"])
        #expect(log.metadata["attempt"] == "1")
    }

    @Test func webhookInFlightWhileItsURLWasDisabledIsDeadForThatReason() {
        report(attempt(0, status: 500, error: "HTTP 500", .dead, Self.disabling))
        #expect(log.lines == ["error webhook is dead: its URL is disabled"])
    }

    @Test func webhookThatIsRetriedOrSupersededIsNoError() {
        report(
            attempt(0, status: nil, error: "connection refused", .retry(at: Timestamp(milliseconds: 0))),
            attempt(0, status: nil, error: "connection refused", .superseded)
        )
        #expect(
            log.lines == [
                "warning a webhook failed for the first time since its endpoint accepted one; it is sent again",
                "notice webhook not delivered; a newer event supersedes it",
            ]
        )
    }

    @Test func onlyTheFirstFailureOfAnEndpointSinceItsLastSuccessIsAWarning() {
        let reporter = Reporter(logger: Logger(label: "test") { _ in log }, metrics: MetricRegistry())
        let failure = attempt(0, status: 500, error: "HTTP 500", .retry(at: Timestamp(milliseconds: 0)))
        let success = attempt(1, status: 204, error: nil, .delivered(at: Timestamp(milliseconds: 0)))
        for event in [failure, failure, success, failure] { reporter.report([event]) }
        #expect(log.lines.map { $0.prefix { $0 != " " } } == ["warning", "notice", "info", "warning"])
        #expect(log.metadata["endpoint"] == "https://shop.example:443")
    }

    @Test func urlOfAWebhookIsNeverLogged() {
        report(
            attempt(0, status: 410, error: "HTTP 410", .dead, Self.disabling),
            .urlDisabled(
                Delivery(id: "msg_1", refundID: 7, url: "https://shop.example/token", body: [], attempts: 0),
                Self.disabling
            )
        )
        #expect(log.lines.count == 2)
        #expect(!"\(log.lines)\(log.metadata)".contains("token"))
    }

    @Test func firstFailedQueryIsAWarningAndLaterOnesAreOnlyDebugged() {
        let refund = Refund(id: 7, merchantOrderNo: "R-1", createdAt: Timestamp(milliseconds: 0))
        let query = SchedulerEvent.queried(
            gateway: "default",
            refund: refund,
            .unreachable(reason: "timed out"),
            duration: .seconds(10)
        )
        report(query, .gatewayFailing(gateway: "default", reason: "timed out"), query)
        #expect(
            log.lines == [
                "debug query without a verdict",
                "warning a query failed for the first time since the gateway's last verified answer",
                "debug query without a verdict",
            ]
        )
    }

    @Test(arguments: [
        (GatewayIncident.Kind.misconfigured, "it refuses our credentials or its answers do not verify"),
        (.unreachable, "no answer has verified for 10m"),
    ])
    func incidentSaysWhatAnOperatorHasToDo(_ kind: GatewayIncident.Kind, problem: String) {
        let since = Timestamp(milliseconds: 0)
        let incident = GatewayIncident(kind: kind, code: "C", message: "m", isVerified: false, since: since)
        report(.incident(gateway: "default", incident))
        #expect(log.lines.count == 1)
        #expect(log.lines[0].hasPrefix("error gateway needs an operator: \(problem)"))
        #expect(log.lines[0].contains("; check "))
    }
}

/// A log handler that keeps what is logged.
private struct RecordedLog: LogHandler {
    private final class Storage: Sendable {
        let lines = Mutex<[String]>([])
        let metadata = Mutex<Logger.Metadata>([:])
    }

    private let storage = Storage()
    var logLevel = Logger.Level.trace

    /// Level and message of each line.
    var lines: [String] { storage.lines.withLock { $0 } }

    /// The metadata of the last line; a handler's own stays empty.
    var metadata: Logger.Metadata {
        get { storage.metadata.withLock { $0 } }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        storage.lines.withLock { $0.append("\(event.level) \(event.message)") }
        storage.metadata.withLock { $0 = event.metadata ?? [:] }
    }
}
