import Foundation
import RefundPostgresSupport
import Testing

/// Daemons that reach their server through PgBouncer.
struct PgBouncerTests {
    private func withPooler(
        _ mode: PgBouncer.Mode,
        _ body: (Workspace, PostgresServer, PgBouncer, Receiver) async throws -> Void
    ) async throws {
        let server = try PostgresServer()
        let pooler = try PgBouncer(before: server, mode)
        try await withWorkspace(try ServerQueue(on: server, behind: pooler), slots: 2) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("gateway", ["max_queries_per_second": "40.0"])
            try w.configure("admin", ["listen": "\"\""])
            let scenarios = "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"3s\""
            try await w.startSimulator(scenarios: scenarios)
            let made = try await w.refundd("init")
            try #require(made.exitCode == 0, "\(made.errors)")
            try await body(w, server, pooler, receiver)
        }
    }

    private func count(_ condition: String, _ w: Workspace) async throws -> Int {
        try await w.sql("SELECT 1 AS one FROM \(condition)").count
    }

    @Test(.endToEnd, arguments: PgBouncer.Mode.allCases)
    func everythingThatEndsInTheMiddleLosesNothing(_ mode: PgBouncer.Mode) async throws {
        try await withPooler(mode) { w, server, pooler, receiver in
            let first = try await w.startDaemon()
            let second = try await w.startDaemon()
            let orders = (1...90).map { "OK-\($0)" }
            let rows = orders.map { "('\($0)')" }.joined(separator: ", ")
            try await w.sql("INSERT INTO refund_queue (merchant_order_no) VALUES \(rows)")
            let settled = "refund_queue WHERE state = 'settled'"
            for (number, event) in [pooler.restart, server.restart].enumerated() {
                try await eventually("some settled") { try await count(settled, w) >= 10 + number * 30 }
                try event()
            }
            try await eventually("all settled") { try await count(settled, w) == orders.count }
            try await eventually("all delivered") {
                try await count("refund_webhooks WHERE state = 'delivered'", w) == orders.count
            }
            #expect(first.isRunning && second.isRunning)
            #expect(Set(try receiver.requests().map(\.id)).count == orders.count)
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
        }
    }

    @Test(.endToEnd, arguments: PgBouncer.Mode.allCases)
    func refundOfAKilledDaemonIsSettledByAnother(_ mode: PgBouncer.Mode) async throws {
        try await withPooler(mode) { w, _, _, receiver in
            let first = try await w.startDaemon()
            try await w.sql("INSERT INTO refund_queue (merchant_order_no) VALUES ('SLOW-1')")
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            try await w.startDaemon()
            first.kill()
            // Without a lock, a daemon is alive until it has not been seen for 15 s.
            try await eventually("SLOW-1 is queried again", within: .seconds(mode == .session ? 3 : 25)) {
                try await w.queriesInSimulator()["SLOW-1"] == 2
            }
            try await w.refund("SLOW-1", is: "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            try await eventually("one webhook") { try receiver.requests().count == 1 }
            let again = try await w.refundd("redeliver", try #require(try receiver.requests().first).id)
            #expect(again.exitCode == 0, "\(again.errors)")
            try await eventually("the webhook again") { try receiver.requests().count == 2 }
            #expect(Set(try receiver.requests().map(\.id)).count == 1)
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd, arguments: PgBouncer.Mode.allCases)
    func operatorLearnsWhatThePoolerCosts(_ mode: PgBouncer.Mode) async throws {
        try await withPooler(mode) { w, _, _, _ in
            let daemon = try await w.startDaemon()
            let isShared = mode == .transaction
            let doctor = try await w.refundd("doctor", "--offline")
            #expect(doctor.output.contains("warning  wake-up") == isShared, "\(doctor.output)")
            #expect(doctor.output.contains("ok       wake-up") == !isShared, "\(doctor.output)")
            let status = try await w.refundd("status")
            #expect(status.exitCode == 0)
            #expect(status.output.contains("look for inserts") == isShared, "\(status.output)")
            #expect(daemon.errors.contains("cannot watch for inserts") == isShared, "\(daemon.errors)")
            let query = try await w.refundd("query", "R-0")
            #expect(query.errors.contains("there is no refund R-0"), "\(query.errors)")
        }
    }
}
