import RefundCore
import Testing

@testable import RefundStoreSQLite

struct ClaimTests {
    private let database: TestDatabase
    private var store: RefundStore { database.store }
    private let latest = later(3_960)

    init() throws {
        database = try TestDatabase()
    }

    /// Enqueues refunds whose queries are due so many seconds from now.
    private func enqueue(due seconds: Int..., gateway: String = "default") throws {
        for second in seconds {
            let id = try database.enqueue("R-\(gateway)-\(second)", ["gateway": "'\(gateway)'"])
            try database.execute(
                "UPDATE refund_queue SET next_query_at = \(later(second).milliseconds) WHERE id = \(id)"
            )
        }
    }

    private func due(
        _ gateway: String = "default",
        at time: Timestamp = now,
        limit: Int = 100,
        after last: (due: Timestamp, id: Int64) = (Timestamp(milliseconds: .min), 0)
    ) throws -> [Int64] {
        try store.read { try $0.due(gateway: gateway, at: time, limit: limit, after: last).map(\.id) }
    }

    private func earliest(_ gateway: String = "default") throws -> Timestamp? {
        try store.read { try $0.earliestDue(gateway: gateway, latest: latest) }
    }

    @Test func theLongestDueComesFirst() throws {
        try enqueue(due: -10, -30, -20, 0, 1)
        #expect(try due() == [2, 3, 1, 4])
        #expect(try due(limit: 2) == [2, 3])
        #expect(try due(after: (later(-30), 2)) == [3, 1, 4])
        #expect(try due(after: (later(-30), 1)) == [2, 3, 1, 4])
        #expect(try due(after: (later(-10), 1)) == [4])
        #expect(try due(limit: 0) == [])
        #expect(try due(at: later(-31)) == [])
        #expect(try earliest() == later(-30))
    }

    @Test func aFreshRefundIsDueAtOnce() throws {
        try database.enqueue("R-1")
        #expect(try due(at: Timestamp(milliseconds: 0)) == [1])
        #expect(try earliest() == Timestamp(milliseconds: 0))
    }

    @Test func gatewaysAreServedApart() throws {
        try enqueue(due: -1, gateway: "b")
        try enqueue(due: -2, 5, gateway: "a")
        try enqueue(due: 7, gateway: "C")
        #expect(try store.read { try $0.gatewaysInQueue() } == ["C", "a", "b"])
        #expect(try due("b") == [1])
        #expect(try due("a") == [2])
        #expect(try due("none") == [])
        #expect(try earliest("C") == later(7))
        #expect(try earliest("none") == nil)
    }

    @Test func aGatewayWithNothingToAskIsNotListed() throws {
        for gateway in ["ended", "claimed", "open"] { try enqueue(due: 0, gateway: gateway) }
        try database.happen(to: 1) { $0.answered(.settled) }
        try store.transaction { try $0.lease([2], until: later(75)) }
        #expect(try store.read { try $0.gatewaysInQueue() } == ["open"])
    }

    @Test func anEmptyQueueHasNothingDue() throws {
        #expect(try store.read { try $0.gatewaysInQueue() } == [])
        #expect(try due() == [])
        #expect(try earliest() == nil)
        #expect(try store.read { try $0.oldestAgeing() } == nil)
        #expect(try store.read { try $0.ageing(createdBy: now, limit: 10) } == [])
    }

    /// Due times that cannot be the daemon's own, as SQL.
    @Test(arguments: ["NULL", "9223372036854775807", "\(later(3_960).milliseconds + 1)", "'soon'", "x'00'", "1e300"])
    func aDueTimeThatCannotBeOursCountsAsDue(time: String) throws {
        try enqueue(due: 100, 200)
        try database.execute("UPDATE refund_queue SET next_query_at = \(time) WHERE id = 2")
        #expect(try earliest() == Timestamp(milliseconds: 0))
        try store.transaction { try $0.mendDueTimes(gateway: "other", at: now, latest: latest) }
        #expect(try due() == [])
        try store.transaction { try $0.mendDueTimes(gateway: "default", at: now, latest: latest) }
        #expect(try due() == [2])
        #expect(try store.read { try $0.status(at: later(1)).dueLag } == .seconds(1), "it is due since it was found")
        #expect(
            try database.column("SELECT next_query_at FROM refund_queue WHERE id = 1") == ["\(later(100).milliseconds)"]
        )
    }

    @Test func theLongestWaitIsStillOurs() throws {
        try enqueue(due: 3_960)
        #expect(try earliest() == latest)
        try store.transaction { try $0.mendDueTimes(gateway: "default", at: now, latest: latest) }
        #expect(try earliest() == latest)
    }

    @Test func aRefundThatHasEndedStaysWithoutADueTime() throws {
        try enqueue(due: 0)
        try database.happen(to: 1) { $0.answered(.settled) }
        try store.transaction { try $0.mendDueTimes(gateway: "default", at: now, latest: latest) }
        #expect(try database.column("SELECT next_query_at FROM refund_queue") == ["-"])
        #expect(try earliest() == nil)
    }

    @Test func aClaimedRefundIsNobodyElsesUntilItIsReleased() throws {
        try enqueue(due: -2, -1)
        try store.transaction { try $0.lease([1], until: later(75)) }
        #expect(try due() == [2])
        #expect(try earliest() == later(-1))
        #expect(try due(at: later(1_000_000)) == [2], "time alone does not end a claim")
        try store.transaction { try $0.release(1) }
        #expect(try due() == [1, 2])
    }

    @Test func aResultEndsTheClaimOnlyWhereItSaysSo() throws {
        try enqueue(due: 0)
        for endsLease in [false, true] {
            try store.transaction { tx in
                try tx.lease([1], until: later(75))
                guard let refund = try tx.refund(id: 1) else { throw TestDatabase.NoSuchRefund() }
                try tx.apply(refund, [], endsLease: endsLease, database.context())
            }
            #expect(try due() == (endsLease ? [1] : []))
        }
    }

    @Test func claimsOfADaemonThatIsGoneEnd() throws {
        try enqueue(due: -1, 0)
        try database.happen(to: 2) { $0.answered(.settled) }
        try store.transaction { try $0.lease([1], until: later(75)) }
        #expect(try store.claim().count == 1)
        #expect(try store.claim().isEmpty)
        try store.transaction { try $0.endLeases() }
        #expect(try due() == [1])
        #expect(try store.claim().map(\.id) == ["msg_1"])
    }

    @Test func whatWasMisconfiguredIsTriedAgain() throws {
        try enqueue(due: 100, 200, 300)
        try database.happen(to: 1) { $0.checked(trouble: "no such gateway", at: now) }
        try database.happen(to: 2, isOld: true) { $0.aged(at: now) }
        try database.happen(to: 3) { $0.checked(trouble: "no such gateway", at: now) }
        try database.happen(to: 3) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        try store.transaction { try $0.retryMisconfigured(at: now) }
        #expect(try due() == [1])
        #expect(try store.read { try $0.status(at: later(1)).dueLag } == .seconds(1))
        #expect(try database.column("SELECT next_query_at FROM refund_queue WHERE id = 3") == ["-"])
    }

    @Test func onlyUntoldRefundsAreAgeing() throws {
        for number in 1...7 { try database.enqueue("R-\(number)") }
        try database.happen(to: 2, isOld: true) { $0.aged(at: now) }
        try database.happen(to: 3) { $0.checked(trouble: "no such gateway", at: now) }
        try database.happen(to: 4) { $0.webhooksChanged(dead: 1, at: now) }
        try database.happen(to: 5) { $0.answered(.settled) }
        try database.happen(to: 6) { $0.abandoned(reason: "lost", actor: "ada", at: now) }
        try store.transaction { try $0.lease([7], until: now) }
        let times = try database.column("SELECT created_at FROM refund_queue ORDER BY created_at").compactMap {
            Int64($0)
        }
        let first = try #require(times.first)
        func ageing(_ time: Int64, limit: Int = 100) throws -> [Int64] {
            try store.read { try $0.ageing(createdBy: Timestamp(milliseconds: time), limit: limit).map(\.id) }
        }
        #expect(try ageing(now.milliseconds) == [1, 4, 7], "a claimed refund ages like any other")
        #expect(try ageing(now.milliseconds, limit: 1) == [1])
        #expect(try ageing(first).contains(1))
        #expect(try ageing(first - 1) == [])
        #expect(try store.read { try $0.oldestAgeing() } == Timestamp(milliseconds: first))
    }

    @Test func aRefundThatIsPutBackIsDueAtItsTime() throws {
        try enqueue(due: -1)
        try store.transaction { tx in
            try tx.lease([1], until: later(75))
            try tx.putBack(1, until: later(60))
        }
        #expect(try due() == [])
        #expect(try earliest() == later(60))
        #expect(try due(at: later(60)) == [1])
    }
}
