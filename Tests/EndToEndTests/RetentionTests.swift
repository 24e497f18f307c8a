import Foundation
import Testing

/// `[retention]`: what is finished and old goes in small steps, and the proof of everything else stays.
struct RetentionTests {
    /// Moves everything about a refund into the past, past the guards.
    ///
    /// In a file, the daemon restores them at its next start.
    private func age(_ order: String, days: Int, _ w: Workspace) async throws {
        let guards = [
            "refund_queue_identity", "refund_transitions_update", "refund_event_log_update",
            "refund_outbox_attempts_update",
        ]
        let isFile = w.server == nil
        let unguarded =
            isFile
            ? guards.map { "DROP TRIGGER IF EXISTS \($0);" }.joined() : "SET LOCAL session_replication_role = replica;"
        let id = "(SELECT id FROM refund_queue WHERE merchant_order_no = '\(order)')"
        let past = { (column: String) in "\(column) = \(column) - \(days * 86_400_000)" }
        try await w.sql(
            """
            BEGIN\(isFile ? " IMMEDIATE" : "");
            \(unguarded)
            UPDATE refund_transitions SET \(past("at")), \(past("enqueued_at")) WHERE refund_id = \(id);
            UPDATE refund_event_log SET \(past("at")) WHERE refund_id = \(id);
            UPDATE refund_outbox_attempts SET \(past("at"))
            WHERE position IN (SELECT position FROM refund_outbox WHERE refund_id = \(id));
            UPDATE refund_outbox SET \(past("delivered_at")) WHERE refund_id = \(id);
            UPDATE refund_queue SET \(past("created_at")), \(past("updated_at")) WHERE id = \(id);
            COMMIT
            """
        )
    }

    @Test(.endToEnd) func whatIsFinishedAndOldIsPrunedAndProven() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            let port = try await w.freePort()
            try w.configure("admin", ["listen": "\"127.0.0.1:\(port)\""])
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            for order in ["OK-1", "OK-2"] { try await w.enqueue(order) }
            try await w.enqueue("UNKNOWN-1")
            for order in ["OK-1", "OK-2"] {
                try await eventually("\(order) is reported") {
                    try await w.webhooks(order).map(\.["state"].text) == ["delivered"]
                }
            }
            w.daemon?.kill()
            try await age("OK-1", days: 100, w)
            try await age("UNKNOWN-1", days: 100, w)
            let id = try #require(try await w.webhooks("OK-1").first?["id"].text)

            var daemon = try await w.startDaemon()
            try await daemon.waitForErrors(containing: "pruned what [retention] no longer keeps")
            let bodies = try await w.sql("SELECT length(body) AS size FROM refund_webhooks ORDER BY refund_id")
            #expect(bodies[0]["size"].integer == 0 && (bodies[1]["size"].integer ?? 0) > 0)
            #expect(try await w.get("/metrics", port: port).body.contains("refundd_pruned_total{what=\"bodies\"} 1\n"))
            let show = try await w.refundd("show", "OK-1")
            #expect(show.output.contains("body and attempts pruned on 20"), "\(show.output)")
            let json = try await w.refundd("show", "OK-1", "--json").json
            #expect((json["webhooks"].items.first?["pruned_at"].integer ?? 0) > 0)
            let again = try await w.refundd("redeliver", id)
            #expect(again.exitCode == 1 && again.errors.contains("was pruned on 20"), "\(again.errors)")
            let bulk = try await w.refundd("redeliver", "--since", "2020-01-01")
            #expect(bulk.output.hasSuffix(" due again; 1 was pruned and cannot be sent\n"), "\(bulk.output)")
            var verified = try await w.refundd("verify")
            #expect(verified.exitCode == 0, "\(verified.output)")
            #expect(verified.output.contains("pruned by retention: 1 body, 1 attempt\n"))
            let evidence = try await w.refundd("evidence", "OK-1", "--to", w.path("proof"))
            #expect(evidence.exitCode == 0, "the answers are kept: \(evidence.errors)")
            let status = try await w.refundd("status", "--json").json
            #expect((status["file_bytes"].integer ?? 0) > 0 && status["free_bytes"].integer != nil)

            try w.configure("retention", ["ledger": "\"90d\""])
            daemon = try #require(w.daemon)
            daemon.signal(SIGHUP)
            try await eventually("OK-1 is pruned") {
                try await w.sql("SELECT 1 FROM refund_pruned_refunds WHERE merchant_order_no = 'OK-1'").count == 1
            }
            for command in [["show", "OK-1"], ["evidence", "OK-1", "--to", w.path("proof-2")], ["show", "#1"]] {
                let gone = try await w.run(Programs.refundd, command + ["--config", w.configurationFile])
                #expect(gone.exitCode == 66, "\(command)")
                #expect(gone.errors.contains("was settled; retention pruned it on 20"), "\(gone.errors)")
            }
            let insert = "INSERT INTO refund_queue (merchant_order_no) VALUES ('OK-1') ON CONFLICT DO NOTHING"
            let twice = try await w.shell(insert)
            #expect(twice.exitCode != 0 && twice.errors.contains("finished and pruned long ago"), "\(twice.errors)")
            let deleted = try await w.shell("DELETE FROM refund_queue")
            #expect(deleted.errors.contains("a refund is never deleted; run refundd abandon to stop polling"))
            verified = try await w.refundd("verify", "--json")
            #expect(verified.exitCode == 0, "\(verified.output)")
            #expect(try verified.json["pruned"]["refunds"].integer == 1)
            if w.server == nil {
                let copy = try await w.refundd("backup", w.path("copy.db"))
                #expect(copy.exitCode == 0, "\(copy.errors)")
            }
            #expect(try await w.sql("SELECT 1 FROM refund_queue").count == 2, "what has no verdict stays, however old")
        }
    }
}
