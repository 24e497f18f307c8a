import RefundCore
import RefundStore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

/// What is wrong, and the command that fixes it.
struct QueueReportTests {
    private static let now = Timestamp(milliseconds: 1_790_000_000_000)
    private static let serving = DaemonPresence.running(ServingDaemon(pid: 1, version: "1", since: now))
    private let breaker = OpenBreaker(since: now, reason: "HTTP 503", nextProbe: now.advanced(by: .seconds(15)))

    private func report(
        _ presence: DaemonPresence = serving,
        ready: Bool? = true,
        distrust: String? = nil,
        _ change: (inout QueueStatus) -> Void = { _ in }
    ) -> QueueReport {
        var status = QueueStatus()
        change(&status)
        let answer = ready.map { AdminProbe.Answer(isReady: $0, reasons: $0 ? [] : ["the database is lost"]) }
        let daemon = DaemonReport(presence: presence, readiness: answer, distrust: distrust)
        return QueueReport(at: Self.now, daemon, status, gateways: ["default"])
    }

    private func expectProblem(_ report: QueueReport, _ word: String, run command: String?) {
        let first = report.findings.first
        #expect(!report.isHealthy)
        #expect(first?.text.contains(word) == true, "\(first?.text ?? "nothing")")
        #expect(first?.command == command)
    }

    @Test func queueThatIsServedIsHealthy() {
        #expect(report().findings.isEmpty)
        #expect(report(ready: nil).isHealthy, "it has no admin address")
    }

    @Test func daemonThatDoesNotRunIsAProblem() {
        expectProblem(report(.absent), "not running", run: "systemctl start refundd")
        expectProblem(report(.absent, distrust: "it is damaged"), "it is damaged", run: "refundd verify")
        expectProblem(report(ready: false), "the database is lost", run: "refundd doctor")
    }

    @Test func unitThatFailsRepeatedlyIsNotStartedAgain() {
        var report = report(.absent) { $0.states = [.pending: 2] }
        report.daemon.obstacle = "refundd.service fails repeatedly (exit status 74)"
        report.daemon.startCommand = "journalctl -u refundd -n 20"
        expectProblem(report, "(exit status 74), and 2 refunds wait", run: "journalctl -u refundd -n 20")
    }

    @Test func processThatKeepsTheDaemonFromWritingIsNamed() {
        var report = report(ready: false)
        report.daemon.writer = QueueWriterProcess(name: "python3", pid: 5_358)
        let text = "python3 (process 5358) holds the database's write lock; end its transaction or the process"
        expectProblem(report, text, run: "kill 5358")
        report.daemon.writer = QueueWriterProcess(name: "refundd", pid: 1)
        expectProblem(report, "the database is lost", run: "refundd doctor")
    }

    @Test func processThatKeepsTheDaemonFromStartingIsNamedWithHowLong() {
        let begin = Self.now.advanced(by: .seconds(-67))
        let starting = ServingDaemon(pid: 1, version: "1", since: begin, isStarting: true)
        var report = report(.running(starting), ready: nil) { $0.dueLag = .seconds(300) }
        #expect(report.findings.map(\.gravity) == [.warning], "it has not been held up")
        report.daemon.writer = QueueWriterProcess(name: "python3", pid: 10_617, user: "shop")
        let text =
            "refundd cannot start: python3 (process 10617, user shop) has held the database's write lock"
            + " for at least 67s; end its transaction or the process"
        expectProblem(report, text, run: "kill 10617")
        report.daemon.writer = QueueWriterProcess(name: "refundd", pid: 1)
        #expect(report.isHealthy, "it is migrating")
    }

    @Test func daemonThatStartsOrHidesIsNoProblemYet() {
        #expect(report(.running(nil), distrust: "it is damaged").findings.map(\.gravity) == [.warning])
        #expect(report(.unknown("Permission denied")).findings.map(\.gravity) == [.warning])
    }

    @Test func pauseIsAProblemBeforeWhatItHides() {
        let pause = Pause(since: Self.now, by: "ada", reason: "maintenance")
        let report = report { status in
            status.pauses = [.gateway("default"): pause, .endpoint("https://shop.example:443"): pause]
            status.breakers = ["default": breaker]
            status.endpoints.open = [("https://shop.example:443", breaker)]
            status.attention = [.overdue: 1]
        }
        expectProblem(report, "gateway default is paused since", run: "refundd resume --gateway default")
        #expect(
            report.findings.map(\.command) == [
                "refundd resume --gateway default", "refundd resume --endpoint https://shop.example:443",
                "refundd list --attention",
            ]
        )
    }

    @Test func gatewayThatIsOnlyProbedIsAProblem() {
        let report = report { $0.breakers = ["default": breaker] }
        expectProblem(
            report,
            "has failed since \(Self.now.iso8601Seconds): HTTP 503; it is only probed, next probe in 15s",
            run: "refundd check --online"
        )
    }

    @Test func noProbeIsAnnouncedThatNobodySends() {
        func change(_ status: inout QueueStatus) {
            status.breakers = ["default": breaker]
            status.endpoints.open = [("https://shop.example:443", breaker)]
        }
        for report in [report(.absent, change), report(ready: false, change)] {
            #expect(report.findings.count == 3)
            #expect(!report.findings.contains { $0.text.contains("next probe") })
            #expect(report.status.breakers["default"]?.nextProbe == nil)
            #expect(report.status.endpoints.open.first?.breaker.nextProbe == nil)
        }
    }

    @Test func oneFailedQueryIsOnlyANote() {
        let sighting = GatewaySighting(lastVerified: nil, lastError: "timed out", lastErrorAt: Self.now)
        let report = report { $0.sightings = ["default": sighting] }
        #expect(report.isHealthy)
        #expect(report.findings.map(\.gravity) == [.note])
        #expect(report.findings.map(\.command) == ["refundd check --online"])
    }

    @Test func gatewayThatFailsTwiceIsANoteSinceTheFirstFailure() {
        let report = report {
            $0.lapses = ["default": GatewayLapse(since: Self.now, count: 2, isBrief: true)]
            $0.sightings = [
                "default": GatewaySighting(lastVerified: nil, lastError: "connection refused", lastErrorAt: Self.now)
            ]
        }
        #expect(report.isHealthy)
        let text =
            "gateway default has not answered since \(Self.now.iso8601Seconds): connection refused, no verified answer"
            + " yet; nothing is lost, refundd goes on by itself"
        #expect(report.findings.map(\.text) == [text])
        #expect(report.findings.map(\.command) == ["refundd check --online"])
    }

    @Test func lapseKeepsItsReason() {
        let report = report {
            $0.lapses = ["default": GatewayLapse(since: Self.now, count: 7)]
            $0.sightings = [
                "default": GatewaySighting(lastVerified: nil, lastError: "connection refused", lastErrorAt: Self.now)
            ]
        }
        expectProblem(report, "(7 queries): connection refused; nothing is lost", run: "refundd check --online")
    }

    @Test func gatewayWithoutVerifiedAnswersIsAProblemLongBeforeItIsAnIncident() {
        let report = report { $0.lapses = ["default": GatewayLapse(since: Self.now, count: 7)] }
        let text = "no answer from gateway default has verified since \(Self.now.iso8601Seconds) (7 queries)"
        expectProblem(report, text, run: "refundd check --online")
        #expect(report.findings.count == 1)
    }

    @Test func gatewaysFindingIsItsConditionAndNothingElse() {
        let incident = GatewayIncident(
            kind: .unreachable,
            code: GatewayIncident.unreachableCode,
            message: "timed out",
            isVerified: false,
            since: Self.now
        )
        // From the gravest to the lightest; each hides those below it.
        let conditions: [(GatewayCondition.Kind, String, (inout QueueStatus) -> Void)] = [
            (.paused, "is paused", { $0.pauses = [.gateway("default"): Pause(since: Self.now, by: "ada")] }),
            (.unreachable, "timed out, no verified", { $0.incidents = ["default": incident] }),
            (.probed, "HTTP 503; it is only probed", { $0.breakers = ["default": breaker] }),
            (.lapsed, "(3 queries)", { $0.lapses = ["default": GatewayLapse(since: Self.now, count: 3)] }),
            (
                .failing, "failed to answer the last query (reset)",
                {
                    $0.sightings = [
                        "default": GatewaySighting(lastVerified: nil, lastError: "reset", lastErrorAt: Self.now)
                    ]
                }
            ),
        ]
        for (index, (kind, text, _)) in conditions.enumerated() {
            let report = report { status in
                for (_, _, set) in conditions[index...] { set(&status) }
            }
            let findings = report.findings.filter { $0.subject == "gateway default" }
            #expect(report.status.condition(of: "default").kind == kind)
            #expect(findings.count == 1 && findings[0].text.contains(text), "\(findings)")
        }
    }

    @Test func incidentIsAProblemSinceTheFirstFailure() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "C",
            message: "m",
            isVerified: false,
            since: Self.now
        )
        let first = Self.now.advanced(by: .seconds(-90))
        let report = report {
            $0.incidents = ["default": incident]
            $0.lapses = ["default": GatewayLapse(since: first, count: 20)]
        }
        expectProblem(report, "since \(first.iso8601Seconds)", run: "refundd check --online")
        #expect(report.findings.count == 1)
    }

    @Test func incidentIsAProblem() {
        let incident = GatewayIncident(
            kind: .misconfigured,
            code: "SYS002",
            message: "m",
            isVerified: false,
            since: Self.now
        )
        expectProblem(report { $0.incidents = ["default": incident] }, "SYS002", run: "refundd check --online")
    }

    @Test func lagIsAProblemOfTheDaemonUnlessAGatewayExplainsIt() {
        let lag: Duration = .seconds(300)
        expectProblem(report { $0.dueLag = lag }, "5m", run: "journalctl -u refundd -n 50")
        let explained = report {
            $0.dueLag = lag
            $0.breakers = ["default": breaker]
        }
        #expect(explained.findings.count == 1)
        #expect(report { $0.dueLag = .seconds(30) }.isHealthy)
    }

    @Test func lagIsANoteWhileTheGatewayAnswers() {
        let report = report {
            $0.dueLag = .seconds(360)
            $0.dueLags = ["default": .seconds(360)]
            $0.sightings = ["default": GatewaySighting(lastVerified: Self.now.advanced(by: .seconds(-5)))]
        }
        #expect(report.isHealthy)
        #expect(
            report.findings.map(\.text) == [
                "due refunds wait for their turn, the longest for 6m; gateway default answers"
            ]
        )
    }

    @Test func refundsThatTheGatewayDoesNotKnowAreNotedWithTheirNumbers() {
        let report = report {
            $0.unknownOrders.count = 5
            $0.unknownOrders.oldest = ("R-9", Self.now.advanced(by: .seconds(-12)))
        }
        #expect(report.isHealthy)
        let text =
            "the gateway does not know R-9, enqueued 12s ago, and 4 other refunds; check that it was submitted under this"
            + " number"
        #expect(report.findings.map(\.text) == [text])
        #expect(report.findings.first?.command == "refundd show R-9")
    }

    @Test func fullDiskIsTheCauseAndNamedOnce() {
        var report = report(ready: false)
        let text =
            "the disk of /srv/shop is full (0 MiB left); free some space; nothing in the queue is lost, but"
            + " applications cannot insert meanwhile"
        report.diskFindings = [Finding(.problem, "database", text, run: "df -h /srv/shop")]
        #expect(report.findings.map(\.text) == [text])
    }

    @Test func whatTheServiceManagerSaysIsNotedBesideAHealthyDaemon() {
        var report = report()
        report.daemon.unitFindings = UnitState(["NRestarts": "6", "UnitFileState": "disabled"]).notes
        #expect(report.isHealthy)
        #expect(report.findings.map(\.subject) == ["unit", "unit"])
    }

    @Test func sameProblemIsListedOnce() {
        var report = report(.absent)
        report.daemon.obstacle = "refundd cannot start: the service's sandbox makes /srv/shop read-only"
        report.daemon.startCommand = "systemctl daemon-reload"
        let text = "the service's sandbox makes /srv/shop read-only"
        report.databaseFindings = [Finding(.problem, "database", text, run: "systemctl daemon-reload")]
        #expect(report.findings.count == 1)
        let both = ["gateway a", "gateway b"].map { Finding(.problem, $0, "timed out") }
        #expect(both.withoutRepetitions == both)
    }

    @Test func timesOfBeforeTheClockWasSetBackAreNotInTheFuture() {
        let later = Self.now.advanced(by: .seconds(3_540))
        #expect(later.past(at: Self.now) == "0s ago (\(later.iso8601Seconds))")
        let breaker = OpenBreaker(since: later, reason: "", nextProbe: later.advanced(by: .seconds(15)))
        #expect(breaker.nextProbe(from: Self.now) == ", next probe now")
    }

    @Test func attentionAndDeadWebhooksAreProblems() {
        expectProblem(
            report { $0.attention = [.overdue: 1] },
            "1 refund needs attention",
            run: "refundd list --attention"
        )
        expectProblem(report { $0.webhooks = [.dead: 2] }, "2 webhooks are dead", run: "refundd webhooks --state dead")
        expectProblem(
            report { $0.endpoints.open = [("https://shop.example:443", breaker)] },
            "shop.example",
            run: "refundd redeliver --pending"
        )
        expectProblem(
            report { $0.endpoints.disabledCount = 1 },
            "1 webhook URL is disabled",
            run: "refundd redeliver --dead"
        )
    }

    @Test func invalidConfigurationIsANoteBecauseTheServiceMayHaveAnother() {
        var report = report()
        report.configurationProblems = ["gateway.app_id: missing"]
        #expect(report.isHealthy)
        #expect(report.findings.first?.command == "refundd check")
    }

    @Test func userWhoCannotSeeKeysAndServiceIsToldSoOnce() {
        var report = report()
        report.outsider = "op1"
        #expect(report.isHealthy)
        let line = "you are op1 and cannot see keys and service; run: sudo refundd status"
        #expect(report.findings.map(\.line) == [line])
    }

    @Test func gravestComesFirst() {
        let findings = report(.absent) {
            $0.attention = [.mismatch: 1]
            $0.walBytes = 1 << 40
        }.findings
        #expect(findings.map(\.gravity) == [.problem, .problem, .warning])
        #expect(findings.first?.subject == "daemon")
    }
}

/// Figures for readers.
struct HumanUnitsTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func thousandsAreSeparated(number: Int, text: String) {
        #expect(number.grouped == text)
    }

    @Test(arguments: [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (64 << 20, "64.0 MiB"), (3 << 40, "3.0 TiB")])
    func bytesHaveAUnit(bytes: Int64, text: String) {
        #expect(bytes.asBytes == text)
    }

    @Test func nounsAgree() {
        #expect(1.counted("refund", "refunds") == "1 refund")
        #expect(2_000.counted("refund", "refunds") == "2,000 refunds")
    }

    @Test func timesAreRelativeWithTheExactOneBeside() {
        let now = Timestamp(milliseconds: 1_790_000_000_000)
        #expect(
            now.advanced(by: .seconds(-7_200)).relative(to: now)
                == "2h ago (\(now.advanced(by: .seconds(-7_200)).iso8601Seconds))"
        )
        #expect(now.advanced(by: .seconds(90)).relative(to: now).hasPrefix("in 90s ("))
        #expect(now.advanced(by: .milliseconds(300)).wait(from: now) == "in 1s")
        #expect(now.wait(from: now) == "now")
    }
}
