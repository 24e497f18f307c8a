import Testing

@testable import RefundCore

/// When a monitor hears that work gets done, on a clock that only the test moves.
struct HeartbeatTests {
    private static let interval: Duration = .seconds(300)
    private static let start: Duration = .seconds(1_000)

    /// What proves that work gets done, changed.
    private static func evidence(_ change: (inout Heartbeat.Evidence) -> Void = { _ in }) -> Heartbeat.Evidence {
        var evidence = Heartbeat.Evidence()
        evidence.isCommitted = true
        change(&evidence)
        return evidence
    }

    private static let shortfalls: [(String, Heartbeat.Evidence)] = [
        ("the scheduler does not commit its work", evidence { $0.isCommitted = false }),
        ("the queue cannot be read", evidence { $0.dueLag = nil }),
        ("a due refund has not been queried for 60s", evidence { $0.dueLag = .seconds(60) }),
        ("no gateway has given a verified answer", evidence { $0.queries = 3 }),
    ]

    private var heartbeat = Heartbeat(every: interval, at: start)
    private var now = start

    /// Decides when the next decision is due.
    private mutating func decide(_ evidence: Heartbeat.Evidence = evidence()) -> Heartbeat.Signal? {
        var evidence = evidence
        now = max(now, heartbeat.nextDecision)
        return heartbeat.decide(&evidence, at: now)
    }

    @Test mutating func heartbeatFollowsTheStartAndThenEveryInterval() {
        #expect(decide() == .alive)
        #expect(now == Self.start)
        for count in 1...3 {
            #expect(decide() == .alive)
            #expect(now == Self.start + Self.interval * count)
        }
    }

    @Test(arguments: [
        evidence(), evidence { $0.dueLag = .milliseconds(59_999) },
        evidence {
            $0.queries = 3
            $0.answers = 1
        },
    ])
    func thisIsProof(evidence: Heartbeat.Evidence) {
        #expect(evidence.shortfall == nil)
    }

    @Test(arguments: shortfalls)
    mutating func failureIsToldOnceAndThenNothingUntilThereIsProof(reason: String, evidence: Heartbeat.Evidence) {
        #expect(decide() == .alive)
        #expect(decide(evidence) == .failed(reason))
        for _ in 1...100 { #expect(decide(evidence) == nil) }
        #expect(decide() == .alive)
        #expect(decide(evidence) == .failed(reason), "once each time")
    }

    @Test(arguments: shortfalls)
    mutating func startingDaemonHasAnIntervalToProveItself(reason: String, evidence: Heartbeat.Evidence) {
        while now < Self.start + Self.interval - .seconds(2) { #expect(decide(evidence) == nil) }
        var slow = self
        #expect(slow.decide() == .alive, "as soon as there is proof")
        var signals: [Heartbeat.Signal?] = []
        for _ in 1...5 { signals.append(decide(evidence)) }
        #expect(signals.compactMap(\.self) == [.failed(reason)])
    }

    @Test mutating func recoveryIsNoticedWithinAMinute() {
        #expect(decide() == .alive)
        #expect(decide(Self.shortfalls[0].1) != nil)
        let failed = now
        #expect(decide() == .alive)
        #expect(now == failed + .seconds(60))
    }

    @Test mutating func evidenceIsUsedOnce() {
        var evidence = Self.evidence { $0.answers = 1 }
        #expect(heartbeat.decide(&evidence, at: now) == .alive)
        #expect(evidence == Heartbeat.Evidence())
        #expect(decide(evidence) == .failed("the scheduler does not commit its work"))
    }

    @Test mutating func heartbeatThatIsNotAcceptedIsFollowedByAnotherWithinAMinute() {
        #expect(decide() == .alive)
        heartbeat.wasNotAccepted(at: now)
        #expect(heartbeat.nextDecision == now + .seconds(60))
    }
}
