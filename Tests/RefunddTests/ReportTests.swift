import RefundCore
import RefundDaemon
import RefundStore
import RefundStoreSQLite
import Testing

@testable import refundd

private let now = Timestamp(iso8601: "2026-11-22T03:04:05Z") ?? Timestamp(milliseconds: 0)

private func ago(_ duration: Duration) -> Timestamp { now.advanced(by: .zero - duration) }

/// What `status` prints.
struct StatusTextTests {
    private static let serving = ServingDaemon(pid: 42, version: "1.2.3", since: ago(.seconds(7_200)))

    private func report(
        _ presence: DaemonPresence = .running(serving),
        _ change: (inout QueueStatus) -> Void = { _ in }
    ) -> QueueReport {
        var status = QueueStatus()
        change(&status)
        let daemon = DaemonReport(presence: presence, readiness: AdminProbe.Answer(isReady: true, reasons: []))
        return QueueReport(at: now, daemon, status, gateways: ["default"])
    }

    private func first(_ report: QueueReport, width: Int = 80) -> String { report.lines(width: width)[0].text }

    @Test func healthIsTheFirstLine() {
        #expect(first(report()) == "healthy: no refund waits")
        let busy = report { status in
            status.states = [.pending: 1_234, .processing: 1]
            status.oldestPending = .seconds(300)
        }
        #expect(first(busy) == "healthy: 1,235 refunds wait for a verdict, the oldest for 5m")
        let narrow = busy.lines(width: 40).prefix(2).map(\.text)
        #expect(narrow == ["healthy: 1,235 refunds wait for a", "  verdict, the oldest for 5m"])
        #expect(first(report(.unknown("no access"))) == "healthy as far as is known: no refund waits")
    }

    @Test func daemonThatStartsIsNotCalledHealthy() {
        let starting = ServingDaemon(pid: 42, version: "1.2.3", since: ago(.seconds(2)), isStarting: true)
        let lines = report(.running(starting)) { $0.states = [.pending: 3] }.lines(width: 120).map(\.text)
        #expect(lines[0] == "starting: 3 refunds wait for a verdict")
        #expect(lines.contains { $0.hasPrefix("daemon") && $0.contains("starting since 2s ago") })
    }

    @Test func everyDaemonOfAServerHasItsLine() {
        let lines = report { status in
            status.daemons = [(11, "1.2.3", 1), (12, "1.2.4", 3)].map { id, version, seen in
                var daemon = ServingDaemon(pid: Int32(id) + 100, version: version, since: ago(.seconds(7_200)))
                (daemon.id, daemon.host, daemon.lastSeen) = (Int64(id), "shop-\(id)", ago(.seconds(seen)))
                return daemon
            }
            status.gone = [GoneDaemon(name: "shop-9 (process 7)", at: ago(.seconds(600)))]
        }.lines(width: 200).map(\.text)
        #expect(lines.contains("  note: the daemons run different versions (1.2.3, 1.2.4); update all of them"))
        let since = "2h ago (2026-11-22T01:04:05Z)"
        let facts = lines.drop { !$0.hasPrefix("daemons") }.prefix(4).map { $0.split(separator: "  ").last ?? "" }
        #expect(
            facts.map { $0.trimmingPrefix(" ") } == [
                "2 serve the queue, each with 1/2 of the limits",
                "process 111 on shop-11 since \(since), version 1.2.3, seen 1s ago, id 11",
                "process 112 on shop-12 since \(since), version 1.2.4, seen 3s ago, id 12",
                "shop-9 (process 7), 10m ago (2026-11-22T02:54:05Z)",
            ]
        )
    }

    @Test func firstLineHasTheGravestProblemAndItsCommand() {
        let stopped = report(.absent) { $0.states = [.pending: 3] }
        #expect(
            first(stopped, width: 90)
                == "NOT HEALTHY: refundd is not running, and 3 refunds wait; run: systemctl start refundd"
        )
        let attention = report { $0.attention = [.mismatch: 2, .overdue: 1] }
        #expect(first(attention, width: 120).hasPrefix("NOT HEALTHY: 3 refunds need attention: 2 mismatch, 1 overdue"))
        #expect(first(attention, width: 120).hasSuffix("; run: refundd list --attention"))
    }

    @Test func sentenceThatIsTooLongForTheTerminalIsWrappedAndNeverCut() {
        let lines = report { $0.attention = [.mismatch: 2, .overdue: 1, .misconfigured: 3] }.lines(width: 60)
        #expect(
            lines.prefix(3).map(\.text) == [
                "NOT HEALTHY: 6 refunds need attention: 2 mismatch, 3", "  misconfigured, 1 overdue",
                "  run: refundd list --attention",
            ]
        )
    }

    @Test func programGetsTheGravestProblemWithItsCommandAsOneLine() {
        let report = report { $0.attention = [.mismatch: 2, .overdue: 1, .misconfigured: 3] }
        let line = report.lines(width: 20, isTerminal: false)[0].text
        #expect(line.hasPrefix("NOT HEALTHY: 6 refunds need attention: "))
        #expect(line.contains("3 misconfigured") && line.hasSuffix("; run: refundd list --attention"))
    }

    @Test func everyLineFitsTheTerminalButTheOneWithTheCommand() {
        let report = report { status in
            status.attention = [.mismatch: 2]
            let reason = "the gateway answered HTTP 503 instead of 200 for longer than anybody can remember"
            status.breakers = ["default": OpenBreaker(since: ago(.seconds(90)), reason: reason)]
        }
        for width in [40, 80, 120] {
            let lines = report.lines(width: width).dropFirst().filter { !$0.text.hasPrefix("  run: ") }
            for line in lines { #expect(line.text.columns <= width, "\(line.text)") }
        }
    }

    @Test func daemonAndGatewayAreTold() {
        let report = report { status in
            status.sightings = ["default": GatewaySighting(lastVerified: ago(.seconds(3)))]
        }
        let text = report.lines(width: 200).map(\.text).joined(separator: "\n")
        #expect(text.contains("running since 2h ago (2026-11-22T01:04:05Z), process 42, version 1.2.3, ready"))
        #expect(text.contains("answers; last verified answer 3s ago (2026-11-22T03:04:02Z)"))
    }

    @Test func answerToTheProcessBeforeIsNotThisOnes() {
        let report = report { $0.sightings = ["default": GatewaySighting(lastVerified: ago(.seconds(3 * 3_600)))] }
        let text = report.lines(width: 200).map(\.text).joined(separator: "\n")
        #expect(text.contains("not queried since the start; last verified answer 3h ago"))
    }

    @Test func jsonHasEveryFindingWithItsCommand() throws {
        var json = JSONWriter()
        let report = report(.absent) { $0.attention = [.mismatch: 1] }
        json.object { json in report.write(to: &json) }
        let object = try JSONObject(parsing: json.text)
        #expect(object["healthy"] == .bool(false))
        for word in ["systemctl start refundd", "refundd list --attention", #""state":"stopped""#] {
            #expect(json.text.contains(word))
        }
    }
}

/// What `list` and `show` print.
struct RefundTextTests {
    private func refund(_ attention: Attention? = nil) -> Refund {
        var refund = Refund(id: 42, merchantOrderNo: "R-1001", createdAt: ago(.seconds(7_200)))
        refund.attention = attention
        return refund
    }

    private static let hold = Hold(
        "gateway",
        "gateway default is only probed (HTTP 503)",
        until: now.advanced(by: .seconds(15))
    )

    @Test func heldRefundIsNotAnnouncedForNow() {
        let list = RefundList([RefundList.Entry(refund: refund(), nextQuery: .held(Self.hold))], at: now)
        let texts = list.lines(width: 80).map(\.text)
        #expect(texts[1].hasSuffix("held: gateway"))
        #expect(texts.contains { $0.contains("is only probed (HTTP 503), next probe in 15s") })
        let record = RefundReport(of: refund(), nextQuery: .held(Self.hold), at: now)
        let text = record.lines(width: 120).map(\.text).joined(separator: "\n")
        #expect(
            text.contains("next query         held back: gateway default is only probed")
                || text.contains("held back: ")
        )
        #expect(!text.contains("next query  now"))
    }

    @Test func reasonIsToldOnceForAllThatItHolds() {
        let entries = (0..<3).map { _ in RefundList.Entry(refund: refund(), nextQuery: .held(Self.hold)) }
        let lines = RefundList(entries, at: now).lines(width: 200)
        #expect(lines.count { $0.text.hasPrefix("held: gateway: ") } == 1)
    }

    @Test(arguments: Attention.allCases) func everyReasonForAttentionHasItsCommand(attention: Attention) {
        var entry = RefundList.Entry(refund: refund(attention), nextQuery: .now)
        entry.cause = LedgerRow(sequence: 1, at: ago(.seconds(600)), from: "pending", to: "pending", actor: "refundd")
        entry.cause?.reason = "the cause in words"
        let lines = RefundList([entry], showsAttention: true, at: now).lines(width: 80).map(\.text)
        #expect(lines[1].contains(attention.rawValue) && lines[1].contains("10m"))
        #expect(lines.contains("    the cause in words"))
        #expect(lines.contains { $0.hasPrefix("    run: ") })
        let record = RefundReport(of: refund(attention), nextQuery: .now, at: now).lines(width: 80).map(\.text)
        #expect(record.contains { $0.hasPrefix("NEEDS ATTENTION: \(attention.rawValue)") })
        #expect(record.contains { $0.hasPrefix("  run: ") })
    }

    @Test func numberThatTheGatewayDoesNotKnowHasItsErrorAndItsCommand() {
        var refund = refund()
        refund.isUnknownOrder = true
        refund.lastError = "the gateway has no such order"
        let list = RefundList([RefundList.Entry(refund: refund, nextQuery: .now)], at: now).lines(width: 80)
        #expect(list.contains { $0.text == "    the gateway has no such order" })
        let record = RefundReport(of: refund, nextQuery: .now, at: now).lines(width: 80).map(\.text)
        #expect(record.contains("  run: refundd abandon R-1001 --reason TEXT"))
        #expect(record.contains { $0.hasPrefix("The gateway does not know this number") })
    }

    @Test func everyNumberForACallToTheGatewayIsShown() {
        var refund = refund()
        var transaction = GatewayTransaction(status: 2)
        transaction.transNo = "4112"
        transaction.origTransNo = "4011"
        transaction.payChannelTransNo = "CH-1"
        refund.transaction = transaction
        let text = RefundReport(of: refund, nextQuery: .none, at: now).lines(width: 80).map(\.text).joined(
            separator: "\n"
        )
        for number in ["R-1001", "4112", "4011", "CH-1"] { #expect(text.contains(number)) }
    }

    @Test func receiversOwnWordsAreShownWithItsFailure() {
        var record = RefundReport(of: refund(), nextQuery: .now, at: now)
        record.ledger = [LedgerRow(sequence: 1, at: now, from: "pending", to: "failed", actor: "refundd")]
        let webhook = WebhookRow(
            id: "msg_1",
            refundID: 42,
            sequence: 1,
            type: "refund.failed",
            url: "https://shop.example/",
            body: [],
            state: "pending",
            attempts: 2,
            createdAt: now
        )
        let answer = Array("unknown\n order".utf8)
        record.webhooks = [
            RefundReport.Webhook(
                row: webhook,
                attempts: [
                    AttemptRow(at: now, status: 500, error: "HTTP 500", durationMilliseconds: 12, answer: answer),
                    AttemptRow(at: now, status: 200, error: nil, durationMilliseconds: 3, answer: Array("thanks".utf8)),
                ],
                nextAttempt: .inFlight
            )
        ]
        let text = record.lines(width: 200).map(\.text).joined(separator: "\n")
        #expect(text.contains("HTTP 500, 12 ms; it answered: unknown order"))
        #expect(text.contains("HTTP 200, 3 ms") && !text.contains("thanks"))
        #expect(text.contains("next attempt in flight now"))
    }

    @Test(arguments: [20, 40, 80]) func showFitsTheTerminal(width: Int) {
        let lines = RefundReport(of: refund(.overdue), nextQuery: .held(Self.hold), at: now).lines(width: width)
        for line in lines where line.text.contains(" ") && !line.text.hasPrefix("  run: ") {
            // A number and a time are single words.
            let longest = line.text.split(separator: " ").map(\.count).max() ?? 0
            #expect(line.text.columns <= max(width, longest + 6), "\(line.text)")
        }
    }
}

/// What `doctor` prints.
struct DoctorTextTests {
    @Test func problemsComeLastWithTheirCommands() {
        let findings = [
            Finding(.problem, "database", "the disk is full", run: "df -h /"), Finding(.fine, "clock", "synchronized"),
        ]
        #expect(
            DoctorCommand.lines(findings, width: 80).map(\.text) == [
                "ok       clock: synchronized", "PROBLEM  database: the disk is full", "         run: df -h /", "",
                "1 problem found",
            ]
        )
        #expect(DoctorCommand.lines([], width: 80).last?.text == "no problem found")
    }
}

/// What `query` prints.
struct QueryTextTests {
    private let refund = Refund(id: 42, merchantOrderNo: "R-1001", createdAt: ago(.seconds(7_200)))

    @Test func heldQueryIsAnnouncedWithItsReasonAndEnd() {
        let hold = Hold("gateway", "gateway default is only probed (HTTP 503)", until: now.advanced(by: .seconds(15)))
        let lines = QueryCommand.lines(refund, .held(hold), at: now)
        let next = "held back: gateway default is only probed (HTTP 503), next probe in 15s (2026-11-22T03:04:20Z)"
        #expect(lines == ["#42 R-1001 is pending", "  next query \(next)"])
        #expect(QueryCommand.lines(refund, .none, at: now).count == 1)
    }
}
