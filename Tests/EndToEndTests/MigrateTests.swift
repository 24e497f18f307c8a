import Foundation
import RefundPostgresSupport
import Testing

/// `refundd migrate`: a queue in a file becomes one on a server.
struct MigrateTests {
    /// Serves refunds of each kind from a file, and stops.
    private func withServedFile(_ body: (Workspace, ServerQueue) async throws -> Void) async throws {
        try await withWorkspace(nil) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything(scenarios: "[prefixes.\"LONG-\"]\nsettles_after_queries = 4000")
            for order in ["OK3-1", "FAIL-1", "LONG-1", "UNKNOWN-1"] {
                try await w.enqueue(order, ["metadata": #"{"cart":"é\u0000"}"#])
            }
            try await w.refund("OK3-1", is: "settled")
            try await w.refund("FAIL-1", is: "failed")
            try await w.refund("LONG-1", is: "processing")
            try await eventually("two webhooks delivered") {
                try await w.sql("SELECT id FROM refund_webhooks WHERE state = 'delivered'").count == 2
            }
            #expect(try await w.refundd("pause", "--endpoint", "https://elsewhere.example").exitCode == 0)
            w.daemon?.signal(SIGTERM)
            _ = try await w.daemon?.exitCode()
            try await body(w, try ServerQueue())
        }
    }

    private func serve(_ server: ServerQueue, _ w: Workspace) throws {
        try w.replaceConfiguration(
            w.configuration.text.replacing("path = \"refundd.db\"", with: "url = \"\(server.url)\"")
        )
    }

    /// Rows of the server as JSON.
    private func rows(_ sql: String, _ server: ServerQueue, _ w: Workspace) async throws -> [JSON] {
        let shell = try await w.run("psql", server.arguments(sql))
        try #require(shell.exitCode == 0, "\(sql): \(shell.errors)")
        return try shell.json.items
    }

    @Test(.endToEnd) func serverGoesOnWhereTheFileEnded() async throws {
        try await withServedFile { w, server in
            let tables = [
                "SELECT * FROM refund_events ORDER BY position",
                "SELECT id, merchant_order_no, state, attempts, metadata, created_at FROM refund_queue ORDER BY id",
                "SELECT id, refund_id, sequence, to_state, reason, actor FROM refund_transitions ORDER BY id",
                "SELECT id, refund_id, state, attempts, delivered_at FROM refund_webhooks ORDER BY id",
                "SELECT webhook_id, at, status FROM refund_webhook_attempts ORDER BY webhook_id",
                "SELECT kind, name, actor FROM refund_pauses",
            ]
            var before: [[JSON]] = []
            for table in tables { before.append(try await w.sql(table)) }
            let migrate = try await w.refundd("migrate", "--from", w.database, "--to", server.url)
            #expect(migrate.exitCode == 0, "\(migrate.errors)")
            #expect(migrate.output.contains("4 refunds copied, and equal on both ends"))
            #expect(migrate.output.contains("checked 4 refunds") && migrate.output.contains(": no problems"))
            for (table, old) in zip(tables, before) { #expect(try await rows(table, server, w) == old, "\(table)") }

            try serve(server, w)
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
            #expect(try await w.refundd("status").output.contains("endpoint https://elsewhere.example:443 is paused"))
            try await w.startDaemon()
            let last = before[0].compactMap { $0["position"].integer }.max() ?? 0
            _ = try await w.run(
                "psql",
                server.arguments("INSERT INTO refund_queue (merchant_order_no) VALUES ('OK-2')")
            )
            let settled = try await eventually("OK-2 settles") {
                let sql = "SELECT id FROM refund_queue WHERE merchant_order_no = 'OK-2' AND state = 'settled'"
                return try await rows(sql, server, w).first
            }
            #expect(settled["id"].integer == 5)
            let events = try await rows("SELECT * FROM refund_events WHERE refund_id = 5", server, w)
            #expect(events.compactMap { $0["position"].integer } == [last + 1])
            let status = try await w.refundd("status", "--json").json
            #expect(status["states"]["settled"].integer == 2)
        }
    }

    @Test(.endToEnd) func fileIsOnlyMigratedWhileNoDaemonServesItAndIntoNothing() async throws {
        try await withServedFile { w, server in
            try await w.startDaemon()
            let served = try await w.refundd("migrate", "--from", w.database, "--to", server.url)
            #expect(served.exitCode == 75)
            w.daemon?.kill()
            let password = try await w.refundd("migrate", "--from", w.database, "--to", "postgresql://a:b@c/d")
            #expect(password.exitCode == 64)
            #expect(password.errors.contains("--to: the URL contains a password"))
            let nowhere = try await w.refundd("migrate", "--from", w.database)
            #expect(nowhere.exitCode == 64)
            #expect(nowhere.errors.contains("[database] url"))
            let missing = try await w.refundd("migrate", "--from", w.path("nothing.db"), "--to", server.url)
            #expect(missing.exitCode == 74)
            #expect(missing.errors.contains("nothing.db has no queue; name its file with --from"))
            #expect(try await w.refundd("migrate", "--from", w.database, "--to", server.url).exitCode == 0)
            let again = try await w.refundd("migrate", "--from", w.database, "--to", server.url)
            #expect(again.exitCode == 74)
            #expect(again.errors.contains("has refunds of its own"))
        }
    }
}
