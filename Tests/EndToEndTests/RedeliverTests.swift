import Foundation
import RefundCore
import Testing

/// `refundd webhooks` and `refundd redeliver`.
struct RedeliverTests {
    private static let names: Set = [
        "id", "refund_id", "sequence", "type", "url", "body", "state", "attempts", "next_attempt_at", "last_status",
        "last_error", "created_at", "delivered_at", "pruned_at",
    ]

    /// A daemon with a receiver that behaves as `path` says.
    private func withReceiver(
        _ path: String,
        _ settings: [String: String] = [:],
        _ body: (Workspace, Receiver) async throws -> Void
    ) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", settings.merging(["url": "\"\(receiver.url(path))\""]) { _, new in new })
            try await w.startEverything()
            try await body(w, receiver)
        }
    }

    private func webhooks(_ w: Workspace, _ order: String, are states: [String]) async throws -> [JSON] {
        try await eventually("\(order)'s webhooks \(states)") {
            let webhooks = try await w.webhooks(order)
            return webhooks.map { $0["state"].text } == states ? webhooks : nil
        }
    }

    @Test(.endToEnd) func redeliveredDeadWebhookKeepsItsIDAndClearsAttention() async throws {
        try await withReceiver("fail/2", ["retry_schedule": #"["100ms"]"#]) { w, receiver in
            try await w.enqueue("OK-1")
            try await w.refund("OK-1") { $0["attention"].text == "undeliverable" }
            let id = try #require(try await webhooks(w, "OK-1", are: ["dead"])[0]["id"].text)
            // A second later the timestamp is another.
            #expect(try await holds(for: .milliseconds(1_100)) { try receiver.requests().count == 2 })
            let redelivered = try await w.ada("redeliver", id)
            #expect(redelivered.exitCode == 0, "\(redelivered.errors)")
            #expect(redelivered.output.contains("1 webhook"))
            try await w.refund("OK-1") { $0["attention"] == .null }
            let webhook = try await w.webhooks("OK-1")[0]
            #expect(webhook["state"].text == "delivered")
            #expect(webhook["attempts"].integer == 1, "its retries start over")
            let received = try receiver.requests()
            #expect(received.count == 3)
            #expect(Set(received.map(\.id)) == [id])
            #expect(Set(received.map(\.body)).count == 1)
            #expect(received[2].isVerified)
            #expect(received[2].timestamp ?? 0 > received[1].timestamp ?? .max)
            #expect(
                try await w.ledger("OK-1")
                    == ["pending>settled", "settled>settled!undeliverable", "settled>settled"]
            )
            let actions = try await w.sql("SELECT actor, action, webhook_id FROM refund_actions")
            #expect(actions.map { $0["action"].text } == ["redeliver"])
            #expect(actions[0]["actor"].text == (try await w.operatorName()))
            #expect(actions[0]["webhook_id"].text == id)
            #expect(try await w.refundd("show", "OK-1").output.contains("redeliver \(id) by"))
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
        }
    }

    @Test(.endToEnd) func webhookRedeliveredWithoutADaemonIsSentByTheNext() async throws {
        try await withReceiver("take") { w, receiver in
            try await w.enqueue("OK-1")
            let id = try #require(try await webhooks(w, "OK-1", are: ["delivered"])[0]["id"].text)
            w.daemon?.kill()
            #expect(try await w.refundd("redeliver", id).exitCode == 0)
            #expect(try await w.webhooks("OK-1")[0]["state"].text == "pending")
            #expect(try receiver.requests().count == 1)
            try await w.startDaemon()
            _ = try await webhooks(w, "OK-1", are: ["delivered"])
            #expect(try receiver.requests().map(\.id) == [id, id])
        }
    }

    @Test(.endToEnd) func supersededWebhookIsRedeliveredAfterANewerOne() async throws {
        let settings = [
            "events": #"["refund.processing", "refund.settled"]"#, "retry_schedule": #"["30s", "30s"]"#,
        ]
        try await withReceiver("fail/1", settings) { w, receiver in
            try await w.enqueue("OK3-1")
            let id = try #require(try await webhooks(w, "OK3-1", are: ["superseded", "delivered"])[0]["id"].text)
            #expect(try await w.refundd("redeliver", id).exitCode == 0)
            _ = try await webhooks(w, "OK3-1", are: ["delivered", "delivered"])
            #expect(
                try receiver.requests().map(\.type) == ["refund.processing", "refund.settled", "refund.processing"]
            )
            #expect(try receiver.requests().first?.body == receiver.requests().last?.body)
            let verify = try await w.refundd("verify")
            #expect(verify.exitCode == 0, "\(verify.output)")
        }
    }

    @Test(.endToEnd) func allDeadWebhooksAreRedeliveredAndNoOthers() async throws {
        try await withReceiver("take", ["retry_schedule": "[]"]) { w, receiver in
            for number in 1...4 {
                try await w.enqueue("OK-\(number)", ["callback_url": receiver.url("fail/1/\(number)")])
            }
            try await w.enqueue("OK-5")
            for number in 1...4 { _ = try await webhooks(w, "OK-\(number)", are: ["dead"]) }
            _ = try await webhooks(w, "OK-5", are: ["delivered"])
            let redelivered = try await w.refundd("redeliver", "--dead")
            #expect(redelivered.exitCode == 0, "\(redelivered.errors)")
            #expect(redelivered.output.contains("4 webhooks"))
            for number in 1...4 {
                _ = try await webhooks(w, "OK-\(number)", are: ["delivered"])
                try await w.refund("OK-\(number)") { $0["attention"] == .null }
            }
            #expect(try receiver.requests().count == 9)
            #expect(try receiver.requests(to: "take").count == 1)
            #expect(try await w.refundd("redeliver", "--dead").output.contains("0 webhooks"))
        }
    }

    @Test(.endToEnd) func allWebhooksSinceATimeAreRedelivered() async throws {
        try await withReceiver("take") { w, receiver in
            try await w.enqueue("OK-1")
            _ = try await webhooks(w, "OK-1", are: ["delivered"])
            try await w.enqueue("FAIL-1")
            _ = try await webhooks(w, "FAIL-1", are: ["delivered"])
            let rows = try await w.sql("SELECT created_at FROM refund_webhooks ORDER BY created_at, sequence")
            let second = Timestamp(milliseconds: try #require(rows.last?["created_at"].integer)).iso8601
            #expect(try await w.refundd("redeliver", "--since", second).output.contains("1 webhook "))
            try await eventually("the second again") { try receiver.requests().count == 3 }
            #expect(try receiver.requests().last?.type == "refund.failed")
            _ = try await webhooks(w, "FAIL-1", are: ["delivered"])
            #expect(try await w.refundd("redeliver", "--since", "1h").output.contains("2 webhooks"))
            try await eventually("both again") { try receiver.requests().count == 5 }
            #expect(try await w.refundd("redeliver", "--since", "2999-01-01").output.contains("0 webhooks"))
        }
    }

    @Test(.endToEnd) func webhookInFlightOrUnknownIsNotRedelivered() async throws {
        try await withReceiver("slow/3000") { w, receiver in
            try await w.enqueue("OK-1")
            try await eventually("the webhook in flight") { try !receiver.requests().isEmpty }
            let id = try receiver.requests()[0].id
            let inFlight = try await w.refundd("redeliver", id)
            #expect(inFlight.exitCode == 1)
            #expect(inFlight.errors.contains("being sent"))
            let unknown = try await w.refundd("redeliver", "msg_none")
            #expect(unknown.exitCode == 66)
            #expect(unknown.errors.contains("msg_none"))
            _ = try await webhooks(w, "OK-1", are: ["delivered"])
            #expect(try receiver.requests().count == 1)
            #expect(try await w.sql("SELECT 1 FROM refund_actions").isEmpty)
        }
    }

    @Test(.endToEnd) func webhookInFlightAtAKilledDaemonIsRedelivered() async throws {
        try await withReceiver("slow/3000") { w, receiver in
            try await w.enqueue("OK-1")
            try await eventually("the webhook in flight") { try !receiver.requests().isEmpty }
            let id = try receiver.requests()[0].id
            w.daemon?.kill()
            let redelivered = try await w.refundd("redeliver", id)
            #expect(redelivered.exitCode == 0, "\(redelivered.errors)")
            try await w.startDaemon()
            _ = try await webhooks(w, "OK-1", are: ["delivered"])
            #expect(try receiver.requests().map(\.id) == [id, id])
        }
    }

    @Test(.endToEnd) func webhooksAreListedNewestFirst() async throws {
        try await withReceiver("take", ["retry_schedule": "[]"]) { w, receiver in
            try await w.enqueue("OK-1")
            _ = try await webhooks(w, "OK-1", are: ["delivered"])
            try await w.enqueue("OK-2", ["callback_url": receiver.url("status/500")])
            let dead = try #require(try await webhooks(w, "OK-2", are: ["dead"])[0]["id"].text)
            let all = try await w.refundd("webhooks", "--json").json
            #expect(all.names == ["webhooks"])
            #expect(all["webhooks"].items.allSatisfy { $0.names == Self.names.union(["next_attempt"]) })
            #expect(all["webhooks"].items.map { $0["state"].text } == ["dead", "delivered"])
            #expect(try await w.refundd("webhooks", "--json", "--limit", "1").json["webhooks"].items.count == 1)
            let onlyDead = try await w.refundd("webhooks", "--json", "--state", "dead").json["webhooks"].items
            #expect(onlyDead.map { $0["id"].text } == [dead])
            #expect(try await w.refundd("webhooks", "--json", "--state", "pending").json["webhooks"].items.isEmpty)
            let text = try await w.refundd("webhooks")
            #expect(text.exitCode == 0)
            #expect(text.output.split(separator: "\n").count == 5, "the dead one has its cause and its command")
            for word in [dead, "refund.settled", "dead", "delivered", "500"] { #expect(text.output.contains(word)) }
        }
    }
}
