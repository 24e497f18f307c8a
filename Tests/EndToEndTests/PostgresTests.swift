import Foundation
import RefundCore
import RefundPostgresSupport
import RefundStore
import Testing

/// A queue on a PostgreSQL server, as it is meant to be used: over TLS, with a role for each purpose.
struct PostgresTests {
    /// The roles of one test, each with a password, and their database.
    private struct Roles {
        let queue: ServerQueue
        let secure: SecurePostgresServer
        let password = "correct horse: battery/staple"

        init(_ secure: SecurePostgresServer) throws {
            self.secure = secure
            queue = try ServerQueue(on: secure.server)
            for role in ["owner", "daemon", "shop"] {
                try secure.server.execute("CREATE ROLE \(name(role)) LOGIN PASSWORD '\(password)'")
            }
            try secure.server.execute("GRANT CREATE ON DATABASE \(queue.name) TO \(name("owner"))")
        }

        func name(_ role: String) -> String { "\(queue.name)_\(role)" }

        func url(_ role: String) -> String {
            "postgresql://\(name(role))@localhost:\(secure.port)/\(queue.name)?sslrootcert=\(secure.authority)"
        }
    }

    /// Runs a test with a queue whose owner has granted the other roles their rights.
    private func withRoles(
        _ secure: SecurePostgresServer? = nil,
        _ body: (Workspace, Roles) async throws -> Void
    ) async throws {
        let roles = try Roles(try secure ?? SecurePostgresServer.shared())
        try await withWorkspace(roles.queue) { w in
            try w.write("\(roles.password)\n", to: "password")
            try w.protect("password", 0o600)
            try w.configure("database", ["url": "\"\(roles.url("owner"))\"", "password_file": "\"password\""])
            let grants = ["--grant", roles.name("shop"), "--grant-daemon", roles.name("daemon")]
            let arguments = ["init"] + grants + ["--config", w.configurationFile]
            let made = try await w.run(Programs.refundd, arguments)
            try #require(made.exitCode == 0, "\(made.errors)")
            #expect(made.output.contains("INSERT INTO refundd.refund_queue (merchant_order_no) VALUES ('R-1001');"))
            try w.configure("database", ["url": "\"\(roles.url("daemon"))\""])
            try await body(w, roles)
        }
    }

    /// Enqueues refunds as the application's role does, over TLS.
    private func enqueue(_ orders: [String], _ w: Workspace, _ roles: Roles) async throws {
        let rows = orders.map { "('\($0)')" }.joined(separator: ", ")
        let url = roles.url("shop") + "&sslmode=verify-full"
        let sql = "INSERT INTO refundd.refund_queue (merchant_order_no) VALUES \(rows)"
        let insert = try await w.run("psql", ["-X", "-q", "-c", sql, url], environment: ["PGPASSWORD": roles.password])
        try #require(insert.exitCode == 0, "\(insert.errors)")
    }

    @Test(.endToEnd) func refundSettlesOverTLSWithARoleForEachPurpose() async throws {
        try await withRoles { w, roles in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startSimulator()
            try await w.startDaemon()
            try await enqueue(["OK3-1"], w, roles)
            try await w.refund("OK3-1", is: "settled")
            try await eventually("the webhook is delivered") {
                try await w.webhooks("OK3-1").map(\.["state"].text) == ["delivered"]
            }
            #expect(try await w.ledger("OK3-1") == ["pending>processing", "processing>settled"])
            #expect(try receiver.requests().map(\.isVerified) == [true])
            for command in [["list"], ["show", "OK3-1"], ["status"], ["check"], ["verify"]] {
                let run = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(run.exitCode == 0, "\(command): \(run.output)\(run.errors)")
                #expect(!(run.output + run.errors).contains(roles.password))
            }
            let doctor = try await w.refundd("doctor", "--offline")
            #expect(doctor.output.contains("ok       database"), "\(doctor.output)")
            #expect(w.daemon?.errors.contains(roles.password) == false)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "a daemon's memory belongs to root"), .endToEnd)
    func daemonOnAFileDoesNotLoadPostgreSQLsLibrary() async throws {
        for (queue, isLoaded) in [(nil, false), (try ServerQueue(), true)] {
            try await withWorkspace(queue) { w in
                try await w.startEverything()
                let daemon = try #require(w.daemon)
                let maps = try #require(KernelTable.text(of: "/proc/\(daemon.id)/maps"))
                #expect(maps.contains("libcurl.so") && maps.contains("libpq.so") == isLoaded)
            }
        }
    }

    @Test(.endToEnd) func backupNamesTheServersOwnTools() async throws {
        try await withRoles { w, _ in
            let backup = try await w.refundd("backup", w.path("copy.db"))
            #expect(backup.exitCode == 64)
            #expect(backup.errors.contains("pg_dump"))
            #expect(!FileManager.default.fileExists(atPath: w.path("copy.db")))
        }
    }

    @Test(.endToEnd) func daemonDoesNotStartWithAPasswordThatOthersMayRead() async throws {
        try await withRoles { w, _ in
            try w.protect("password", 0o644)
            for command in ["run", "check"] {
                let run = try await w.refundd(command)
                #expect(run.exitCode == 78)
                #expect(
                    run.errors.contains("database.password_file: \(w.path("password")): the file is readable by others")
                )
                #expect(run.errors.contains("run: chmod 600"))
            }
            let list = try await w.refundd("list")
            #expect(list.exitCode == 74)
            #expect(list.errors.contains("the file is readable by others"))
        }
    }

    @Test(.endToEnd) func refundOfAKilledDaemonIsSettledByAnother() async throws {
        try await withRoles { w, roles in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            // Long enough for what happens before the kill, and shorter than the timeout.
            let latency = min(Duration.seconds(3).patiently, .seconds(8)).wholeMilliseconds
            let scenarios = "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"\(latency)ms\""
            try await w.startSimulator(scenarios: scenarios)
            let first = try await w.startDaemon()
            try await enqueue(["SLOW-1"], w, roles)
            try await eventually("SLOW-1 in flight") { try await w.queriesInSimulator()["SLOW-1"] == 1 }
            let second = try await w.startDaemon()
            #expect(first.isRunning && second.isRunning, "they serve together")
            let status = try await w.refundd("status", "--json").json
            #expect(status["daemons"].items.count == 2)
            let text = try await w.refundd("status").output
            #expect(text.contains("daemons") && text.matches(of: #/process [0-9]+ since/#).count == 2, "\(text)")
            first.kill()
            try await eventually("SLOW-1 is queried again", within: .seconds(3)) {
                try await w.queriesInSimulator()["SLOW-1"] == 2
            }
            let gone = try await w.refundd("status", "--json").json["taken_over"].items
            #expect(gone.map(\.["daemon"].text).count == 1)
            // doctor wraps its sentences.
            let doctor = try await w.refundd("doctor", "--offline").output.split(whereSeparator: \.isWhitespace)
                .joined(separator: " ")
            #expect(doctor.contains("served by 1 daemon: "), "\(doctor)")
            #expect(doctor.contains("GRANT pg_read_all_stats TO \"\(roles.name("daemon"))\""), "\(doctor)")
            try await w.refund("SLOW-1", is: "settled")
            #expect(try await w.ledger("SLOW-1") == ["pending>settled"])
            try await eventually("one webhook") { try receiver.requests().count == 1 }
            #expect(try await w.refundd("verify").exitCode == 0)
        }
    }

    @Test(.endToEnd) func restartOfTheServerInTheMiddleLosesNothing() async throws {
        let secure = try SecurePostgresServer()
        try await withRoles(secure) { w, roles in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("gateway", ["max_queries_per_second": "40.0"])
            try await w.startSimulator()
            let daemon = try await w.startDaemon()
            let orders = (1...60).map { "OK-\($0)" }
            try await enqueue(orders, w, roles)
            func settled() async throws -> Int {
                try await w.sql("SELECT id FROM refund_queue WHERE state = 'settled'").count
            }
            try await eventually("some settled") { try await settled() >= 5 }
            try secure.server.restart()
            try await eventually("all settled") { try await settled() == orders.count }
            try await eventually("all delivered") {
                try await w.sql("SELECT id FROM refund_webhooks WHERE state = 'delivered'").count == orders.count
            }
            #expect(daemon.isRunning)
            #expect(Set(try receiver.requests().map(\.id)).count == orders.count)
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
        }
    }
}
