import Foundation
import RefundPostgres
import RefundPostgresSupport
import Synchronization
import Testing

/// A connection to a real server.
struct ConnectionTests {
    private let connection: PostgresConnection
    private let interruption = Interruption()
    private static var soon: ContinuousClock.Instant { .now.advanced(by: .seconds(30)) }

    init() throws {
        connection = try PostgresConnection(try PostgresServer.shared().parameters, until: Self.soon, interruption)
    }

    private func run(_ flight: Flight) throws(PostgresError) { try connection.run(flight, until: Self.soon) }

    private func texts(_ sql: String) throws -> [String?] {
        var found: [String?] = []
        try connection.execute(sql, until: Self.soon) { found.append($0.text()) }
        return found
    }

    // MARK: - Values

    @Test func everyValueSurvivesARoundTrip() throws {
        let flight = Flight()
        var found: [String] = []
        let text = "é\u{1F600}'\"\\ "
        flight.add("SELECT $1, $2, $3, $4, $5, $6, $7")
            .bind(Int64.min).bind(Int64.max).bind(text).bind("").bind([0, 255] as [UInt8]).bind([] as [UInt8])
            .bind(true)
            .read { row in
                found = [
                    "\(row.integer() ?? 0)", "\(row.integer() ?? 0)", row.text() ?? "null", row.text() ?? "null",
                    "\(row.bytes() ?? [1])", "\(row.bytes() ?? [1])", "\(row.integer() ?? 0)",
                ]
            }
        try run(flight)
        #expect(found == ["\(Int64.min)", "\(Int64.max)", text, "", "[0, 255]", "[]", "1"])
    }

    @Test func nullIsNil() throws {
        let flight = Flight()
        var isNull: [Bool] = []
        flight.add("SELECT $1, $2, $3").bind(nil as Int64?).bind(nil as String?).bind(nil as [UInt8]?).read { row in
            isNull = [row.integer() == nil, row.text() == nil, row.bytes() == nil, row.text() == nil]
        }
        try run(flight)
        #expect(isNull == [true, true, true, true], "and so is a column that is not there")
    }

    @Test func numbersOfEveryWidthAreRead() throws {
        let flight = Flight()
        var found: [Int64?] = []
        flight.add("SELECT -1::smallint, -2::integer, -3::bigint, true, 'x'::text").read { row in
            for _ in 0..<5 { found.append(row.integer()) }
        }
        try run(flight)
        #expect(found == [-1, -2, -3, 1, nil])
    }

    @Test func arraysArriveInOrder() throws {
        let flight = Flight()
        var found: [String?] = []
        flight.add("SELECT n || t FROM unnest($1, $2) x (n, t)").bind(list: [3, -1, .max]).bind(list: ["a", "", "é"])
            .read { found.append($0.text()) }
        flight.add("SELECT cardinality($1) + cardinality($2)").bind(list: [Int64]()).bind(list: [String]())
            .read { found.append($0.text()) }
        try run(flight)
        #expect(found == ["3a", "-1", "9223372036854775807é", "0"])
    }

    @Test func textWithNULIsStoredWithAReplacement() throws {
        let flight = Flight()
        var found: String?
        flight.add("SELECT $1").bind("a\0b").read { found = $0.text() }
        try run(flight)
        #expect(found == "a\u{FFFD}b")
    }

    @Test func plainStatementsReturnTextOfEveryType() throws {
        #expect(
            try texts("SELECT 1; SELECT true; SELECT '\\x6869'::bytea; SELECT null::text") == ["1", "1", "hi", nil]
        )
    }

    // MARK: - Flights

    @Test func flightIsOneRoundTripInOrder() throws {
        let flight = Flight()
        var counts: [Int] = []
        flight.add("BEGIN")
        flight.add("CREATE TEMPORARY TABLE t (i bigint)")
        try run(flight)
        let second = Flight()
        for number in 1...100 {
            second.add("INSERT INTO t SELECT generate_series(1, $1)").bind(number).count { counts.append($0) }
        }
        second.add("SELECT count(*) FROM t").read { counts.append($0.count()) }
        second.add("ROLLBACK")
        try run(second)
        #expect(counts == Array(1...100) + [5_050])
    }

    @Test func firstErrorIsTheErrorOfTheFlight() throws {
        let flight = Flight()
        var isCalled = false
        flight.add("SELECT 1").read { _ in isCalled = true }
        flight.add("SELECT 1 / $1").bind(0)
        flight.add("SELECT nothing")
        let error = #expect(throws: PostgresError.self) { try run(flight) }
        #expect(error?.state == "22012")
        #expect(!isCalled)
        // What failed to be prepared is prepared again, and what was not is not.
        for _ in 0..<2 {
            let again = Flight()
            var found: Int64?
            again.add("SELECT 1 / $1").bind(1).read { found = $0.integer() }
            try run(again)
            #expect(found == 1)
        }
        #expect(throws: PostgresError.self) { try run(flight) }
        #expect(try texts("SELECT 1") == ["1"])
    }

    @Test func errorNamesWhatItConcerns() throws {
        try connection.execute("CREATE TEMPORARY TABLE u (i int CONSTRAINT once UNIQUE)", until: Self.soon)
        let flight = Flight()
        for _ in 0..<2 { flight.add("INSERT INTO u VALUES (1)") }
        let error = #expect(throws: PostgresError.self) { try run(flight) }
        #expect(error?.state?.family == "23")
        #expect(error?.constraint == "once" && error?.table == "u")
    }

    @Test func flightLargerThanAllBuffersPasses() throws {
        let flight = Flight()
        let text = String(repeating: "x", count: 1_000_000)
        var length = 0
        for _ in 0..<20 { flight.add("SELECT $1").bind(text).read { length += $0.text()?.utf8.count ?? 0 } }
        try run(flight)
        #expect(length == 20_000_000)
    }

    @Test func sameTextWithOtherTypesIsAnotherStatement() throws {
        let flight = Flight()
        var found: [String?] = []
        flight.add("SELECT $1").bind("1").read { found.append($0.text()) }
        flight.add("SELECT $1").bind(2).read { found.append($0.text()) }
        try run(flight)
        #expect(found == ["1", "2"])
    }

    // MARK: - Ends

    @Test func callEndsAtItsDeadline() throws {
        let flight = Flight()
        flight.add("SELECT pg_sleep(60)")
        let error = #expect(throws: PostgresError.self) {
            try connection.run(flight, until: .now.advanced(by: .milliseconds(50)))
        }
        #expect(error?.kind == .timedOut)
        #expect(connection.isBroken)
        #expect(throws: PostgresError.self) { try texts("SELECT 1") }
    }

    @Test func callWhoseDeadlineHasPassedEndsAtOnce() throws {
        for overdue in [Duration.zero, .milliseconds(500), .seconds(2)] {
            let connection = try PostgresServer.shared().connect()
            let error = #expect(throws: PostgresError.self) {
                try connection.execute("SELECT pg_sleep(2)", until: .now - overdue)
            }
            #expect(error?.kind == .timedOut)
        }
    }

    @Test func callEndsWhenItIsInterrupted() throws {
        let interruption = interruption
        let isOver = Atomic(false)
        // Until the call that is interrupted has begun, an interruption is forgotten.
        let other = Thread {
            while !isOver.load(ordering: .relaxed) { interruption.interrupt() }
        }
        other.start()
        let flight = Flight()
        flight.add("SELECT pg_sleep(60)")
        let error = #expect(throws: PostgresError.self) { try run(flight) }
        isOver.store(true, ordering: .relaxed)
        #expect(error?.kind == .interrupted)
    }

    @Test func interruptionWithoutACallChangesNothing() throws {
        interruption.interrupt()
        #expect(try texts("SELECT 1") == ["1"])
    }

    @Test func terminatedConnectionIsLost() throws {
        let pid = try #require(try texts("SELECT pg_backend_pid()").first ?? nil)
        try PostgresServer.shared().connect().execute("SELECT pg_terminate_backend(\(pid))", until: Self.soon)
        let flight = Flight()
        flight.add("SELECT 1")
        let error = #expect(throws: PostgresError.self) { try run(flight) }
        #expect(error?.kind == .disconnected)
        #expect(connection.isBroken)
    }

    @Test func missingServerIsReported() throws {
        let error = #expect(throws: PostgresError.self) {
            try PostgresConnection([("host", "/nowhere")], until: Self.soon, interruption)
        }
        #expect(error?.kind == .disconnected)
        #expect(error?.message.contains("/nowhere") == true)
    }

    @Test func notificationsAreAwaited() throws {
        try connection.execute("LISTEN refund_test", until: Self.soon)
        #expect(try !connection.awaitNotification(of: "mine", until: .now))
        #expect(try texts("SELECT 1") == ["1"], "the connection goes on")
        try PostgresServer.shared().connect().execute("NOTIFY refund_test, 'mine'", until: Self.soon)
        #expect(try connection.awaitNotification(of: "mine", until: Self.soon))
    }

    @Test func waitForANotificationIsInterruptedAndTheConnectionGoesOn() throws {
        let interruption = interruption
        let isOver = Atomic(false)
        let other = Thread {
            while !isOver.load(ordering: .relaxed) { interruption.interrupt() }
        }
        other.start()
        let error = #expect(throws: PostgresError.self) {
            try connection.awaitNotification(of: "mine", until: Self.soon)
        }
        isOver.store(true, ordering: .relaxed)
        #expect(error?.kind == .interrupted)
        #expect(!connection.isBroken)
    }

    @Test func notificationsAboutOtherSchemasArePassedOver() throws {
        try connection.execute("LISTEN refund_test", until: Self.soon)
        let other = try PostgresServer.shared().connect()
        try other.execute("NOTIFY refund_test, 'other'", until: Self.soon)
        #expect(try !connection.awaitNotification(of: "mine", until: .now.advanced(by: .milliseconds(100))))
        try other.execute("NOTIFY refund_test, 'other'; NOTIFY refund_test, 'mine'", until: Self.soon)
        #expect(try connection.awaitNotification(of: "mine", until: Self.soon))
    }
}
