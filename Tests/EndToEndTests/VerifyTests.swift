import Foundation
import Testing

/// `refundd verify`: the invariants of ledger and outbox, checked from the database alone.
struct VerifyTests {
    /// A daemon that has served a refund of each kind.
    private func withServedRefunds(_ body: (Workspace) async throws -> Void) async throws {
        try await withWorkspace { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\"", "retry_schedule": "[]"])
            try await w.startEverything()
            try await w.enqueue("OK3-1", ["expected_amount": "1200", "expected_currency": "JPY"])
            try await w.enqueue("FAIL-1")
            try await w.enqueue("OK-1", ["callback_url": receiver.url("fail/9")])
            try await w.enqueue("MISMATCH-1", ["expected_amount": "1", "expected_currency": "JPY"])
            try await w.enqueue("UNKNOWN-1")
            try await w.refund("OK3-1", is: "settled")
            try await w.refund("FAIL-1", is: "failed")
            try await w.refund("OK-1") { $0["attention"].text == "undeliverable" }
            try await w.refund("MISMATCH-1") { $0["attention"].text == "mismatch" }
            try await eventually("every webhook has ended") {
                try await w.sql("SELECT 1 FROM refund_webhooks WHERE state = 'pending'").isEmpty
            }
            try await body(w)
        }
    }

    @Test(.endToEnd) func queueOfARunningDaemonHasNoProblems() async throws {
        try await withServedRefunds { w in
            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 0, "\(verified.output)")
            #expect(verified.output.hasSuffix(": no problems\n"))
            let json = try await w.refundd("verify", "--json").json
            #expect(json["ok"] == .bool(true))
            #expect(json["refunds"].integer == 5)
            #expect(json["transitions"].integer == 7)
            #expect(json["answers"].integer == 6)
            #expect(json["events"].integer == 6)
            #expect(json["webhooks"].integer == 4)
            #expect(json["problems"].items.isEmpty)
        }
    }

    /// Tampers with a copy of the database past its guards, and returns what `verify` prints once the guards are back.
    private func problems(_ w: Workspace, _ sql: String, past triggers: String...) async throws -> String {
        w.daemon?.kill()
        let copy = w.path("tampered.db")
        try? FileManager.default.removeItem(atPath: copy)
        try await w.sql("VACUUM INTO '\(copy)'")
        let names = triggers.map { "'\($0)'" }.joined(separator: ", ")
        let guards = try await w.sql(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name IN (\(names))",
            database: copy
        )
        let drop = triggers.map { "DROP TRIGGER \($0);" }.joined()
        let restore = guards.compactMap { $0["sql"].text.map { $0 + ";" } }.joined()
        try await w.sql("\(drop) \(sql); \(restore)", database: copy)
        let verified = try await w.refundd("verify", copy)
        #expect(verified.exitCode == 1, "\(verified.output) \(verified.errors)")
        return verified.output
    }

    @Test(.endToEnd) func changesPastTheGuardsAreFound() async throws {
        try await withServedRefunds { w in
            func id(_ order: String) -> String {
                "(SELECT id FROM refund_queue WHERE merchant_order_no = '\(order)')"
            }
            let ledger = "refund_transitions_update"
            var said = try await problems(
                w,
                "UPDATE refund_transitions SET response = replace(response, '1200', '1300') WHERE to_state = 'settled'",
                past: ledger
            )
            #expect(said.contains("OK3-1: row 2 of its ledger has an answer that does not prove it"))
            #expect(said.contains("--public-key"))

            said = try await problems(
                w,
                """
                UPDATE refund_transitions SET response = (SELECT response FROM refund_transitions
                WHERE refund_id = \(id("OK-1")) AND to_state = 'settled' AND response IS NOT NULL)
                WHERE refund_id = \(id("OK3-1")) AND to_state = 'settled'
                """,
                past: ledger
            )
            #expect(said.contains("OK3-1: row 2 of its ledger has an answer that does not prove it"), "\(said)")
            #expect(said.contains("is about merchant_order_no"), "another refund's answer: \(said)")

            said = try await problems(
                w,
                "DELETE FROM refund_transitions WHERE refund_id = \(id("FAIL-1"))",
                past: "refund_transitions_delete"
            )
            #expect(said.contains("FAIL-1: its state is failed, but its ledger ends in pending"))

            said = try await problems(
                w,
                "DELETE FROM refund_event_log WHERE refund_id = \(id("FAIL-1"))",
                past: "refund_event_log_delete"
            )
            #expect(said.contains("FAIL-1: row 1 of its ledger has no event refund.failed"))
            #expect(said.contains("refund_event_log lacks 1 of its 6 rows; somebody deleted them"))

            said = try await problems(
                w,
                "DELETE FROM refund_outbox WHERE refund_id = \(id("FAIL-1"))",
                past: "refund_outbox_delete"
            )
            #expect(said.contains("1 number(s) in refund_counts are wrong"))
            #expect(said.contains("1 attempt(s) belong to no webhook"))

            said = try await problems(
                w,
                "UPDATE refund_queue SET state = 'settled' WHERE merchant_order_no = 'UNKNOWN-1'",
                past: "refund_queue_state"
            )
            #expect(said.contains("UNKNOWN-1: its state is settled, but its ledger ends in pending"))

            said = try await problems(
                w,
                "DELETE FROM refund_queue WHERE merchant_order_no = 'MISMATCH-1'",
                past: "refund_queue_delete"
            )
            #expect(said.contains("there are ledger rows of refund 4, which is missing"))
            #expect(said.contains("there are events of refund 4, which is missing"))
            #expect(said.contains("there are webhooks of refund 4, which is missing"))
        }
    }

    /// Event bodies and the queue's columns must match the stored answers.
    @Test(.endToEnd) func eventsAndColumnsThatContradictTheAnswerAreFound() async throws {
        try await withServedRefunds { w in
            let id = "(SELECT id FROM refund_queue WHERE merchant_order_no = 'OK3-1')"
            for (member, from, to) in [
                ("amount", #""amount":"1200""#, #""amount":"1300""#),
                ("currency", #""currency":"JPY","exp"#, #""currency":"USD","exp"#),
                ("trans_status", #""trans_status":2"#, #""trans_status":1"#),
                ("merchant_order_no", "OK3-1", "OK3-2"), ("actor", #""actor":"refundd""#, #""actor":"eve""#),
                ("reason", #""reason":null"#, #""reason":"so""#),
                ("failure", #""failure":null"#, #""failure":{"code":"x","message":null}"#),
            ] {
                let said = try await problems(
                    w,
                    """
                    UPDATE refund_event_log SET body = replace(body, '\(from)', '\(to)')
                    WHERE refund_id = \(id) AND type = 'refund.settled'
                    """,
                    past: "refund_event_log_update"
                )
                #expect(said.contains("OK3-1: event "), "\(said)")
                #expect(said.contains(" differs from the ledger, its answer and the refund in \(member)"), "\(said)")
            }
            // These columns have no guard, because nothing depends on them.
            for column in ["trans_end_at", "gateway_trans_no", "orig_trans_no", "pay_channel_trans_no"] {
                let said = try await problems(w, "UPDATE refund_queue SET \(column) = 7 WHERE id = \(id)")
                #expect(said.contains("OK3-1: it differs from the answer of row 2 in \(column)"), "\(said)")
            }
            for column in ["failure_code", "failure_message"] {
                let said = try await problems(
                    w,
                    "UPDATE refund_queue SET \(column) = 'x' WHERE merchant_order_no = 'FAIL-1'"
                )
                #expect(said.contains("FAIL-1: its failure_code or failure_message differs from its ledger"))
            }
        }
    }

    @Test(.endToEnd) func silencedWebhookIsFound() async throws {
        try await withServedRefunds { w in
            let its = "WHERE refund_id = (SELECT id FROM refund_queue WHERE merchant_order_no = 'OK3-1')"
            var said = try await problems(
                w,
                "UPDATE refund_outbox SET state = 'dead', next_attempt_at = NULL \(its) AND type = 'refund.settled'"
            )
            #expect(said.contains("is dead, but the refund has no attention"), "\(said)")
            said = try await problems(
                w,
                "UPDATE refund_outbox SET url = 'https://elsewhere.example/' \(its)",
                past: "refund_outbox_identity"
            )
            #expect(said.contains("but its url has another"), "\(said)")
        }
    }

    @Test(.endToEnd) func changeThatNoOperatorMayMakeIsFound() async throws {
        try await withServedRefunds { w in
            let id = "(SELECT id FROM refund_queue WHERE merchant_order_no = 'UNKNOWN-1')"
            func row(_ state: String) -> String {
                """
                INSERT INTO refund_transitions (refund_id, sequence, at, from_state, to_state, actor, reason,
                    enqueued_at, number)
                SELECT id, 1, 0, 'pending', '\(state)', 'eve', 'so', created_at, merchant_order_no
                FROM refund_queue WHERE id = \(id);
                UPDATE refund_queue SET state = '\(state)' WHERE id = \(id)
                """
            }
            var said = try await problems(w, row("settled"), past: "refund_transitions_insert")
            #expect(said.contains("is the verdict of eve on a refund that needed no attention"), "\(said)")
            said = try await problems(w, row("processing"))
            #expect(said.contains("row 1 of its ledger enters processing without an answer of the gateway"), "\(said)")
            #expect(said.contains("row 1 of its ledger is by eve, but operators only end refunds"), "\(said)")
        }
    }

    @Test(.endToEnd) func deletedNewestRefundIsMissed() async throws {
        try await withServedRefunds { w in
            try await w.enqueue("FAIL-9")
            try await w.refund("FAIL-9", is: "failed")
            let said = try await problems(
                w,
                """
                CREATE TEMP TABLE gone AS SELECT id FROM refund_queue WHERE merchant_order_no = 'FAIL-9';
                DELETE FROM refund_outbox_attempts WHERE position IN
                (SELECT position FROM refund_outbox WHERE refund_id = (SELECT id FROM gone));
                DELETE FROM refund_outbox WHERE refund_id = (SELECT id FROM gone);
                DELETE FROM refund_event_log WHERE refund_id = (SELECT id FROM gone);
                DELETE FROM refund_transitions WHERE refund_id = (SELECT id FROM gone);
                DELETE FROM refund_queue WHERE id = (SELECT id FROM gone)
                """,
                past: "refund_outbox_attempts_delete",
                "refund_outbox_delete",
                "refund_event_log_delete",
                "refund_transitions_delete",
                "refund_queue_delete"
            )
            #expect(said.contains("refund_event_log lacks 1 of its 7 rows"), "\(said)")
            #expect(said.contains("refund_transitions lacks 1 of its 8 rows"), "\(said)")
        }
    }

    @Test(.endToEnd) func droppedAndChangedGuardsAreNamed() async throws {
        try await withWorkspace { w in
            try await w.initDatabase()
            #expect(try await w.refundd("verify").exitCode == 0)
            try await w.sql(
                """
                DROP TRIGGER refund_queue_delete;
                DROP TRIGGER refund_transitions_update;
                CREATE TRIGGER refund_transitions_update BEFORE UPDATE ON refund_transitions BEGIN SELECT 1; END;
                DROP INDEX refund_queue_order;
                CREATE TRIGGER shop_watches AFTER UPDATE ON refund_queue BEGIN SELECT 1; END;
                """
            )
            let verified = try await w.refundd("verify")
            #expect(verified.exitCode == 1)
            let lines = verified.output.split(separator: "\n").dropLast()
            #expect(
                lines == [
                    "index refund_queue_order is missing; somebody dropped it",
                    "trigger refund_queue_delete is missing; somebody dropped it",
                    "trigger refund_transitions_update is not as refundd made it; somebody changed it",
                ]
            )
        }
    }

    @Test(.endToEnd) func answersSignedWithARetiredKeyVerifyWithIt() async throws {
        try await withServedRefunds { w in
            for order in ["OK-2", "OK-3"] {
                try await w.enqueue(order)
                try await w.refund(order, is: "settled")
            }
            w.daemon?.kill()
            let old = w.path("old_gateway_key")
            try FileManager.default.copyItem(atPath: w.path("gateway_public_key"), toPath: old)
            #expect(try await w.run("openssl", ["genrsa", "-out", w.path("new.pem"), "2048"]).exitCode == 0)
            let made = try await w.run(
                "openssl",
                ["rsa", "-in", w.path("new.pem"), "-pubout", "-out", w.path("gateway_public_key")]
            )
            #expect(made.exitCode == 0)
            let rotated = try await w.refundd("verify")
            #expect(rotated.exitCode == 1)
            let lines = rotated.output.split(separator: "\n")
            #expect(lines.count == 2, "one line for the missing key: \(rotated.output)")
            #expect(lines.first?.contains("answers do not prove their ledger rows, such as those of ") == true)
            #expect(lines.first?.hasSuffix("run: refundd verify --public-key FILE") == true)
            #expect(lines.last?.hasSuffix(": 1 problem") == true)
            #expect(try await w.refundd("verify", "--public-key", old).exitCode == 0)
            #expect(try await w.refundd("verify", "--public-key", w.path("none")).exitCode == 78)
            let copy = w.path("copy.db")
            let backup = try await w.refundd("backup", copy)
            #expect(backup.exitCode == 1)
            #expect(backup.errors.contains("\(copy) is a faithful copy of the database, which has these problems"))
            #expect(backup.errors.contains("the copy stays; with --public-key"), "\(backup.errors)")
            #expect(try await w.refundd("verify", copy, "--public-key", old).exitCode == 0)
        }
    }

    @Test(.endToEnd) func fileThatCannotBeReadIs74() async throws {
        try await withWorkspace { w in
            #expect(try await w.refundd("verify").exitCode == 74)
            try w.write(String(repeating: "this is no database\n", count: 100), to: "other.db")
            let verified = try await w.refundd("verify", w.path("other.db"))
            #expect(verified.exitCode == 74)
            #expect(verified.errors.contains("other.db"))
        }
    }
}
