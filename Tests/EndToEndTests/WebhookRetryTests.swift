import Foundation
import Testing

/// Webhooks that are not taken at once.
struct WebhookRetryTests {
    @Test(.endToEnd) func webhookIsRetriedUnderTheSameIDUntilItIsTaken() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("fail/2"))\"", "retry_schedule": #"["1200ms", "1200ms", "1200ms"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("delivered") {
                try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"]
            }
            let received = try receiver.requests()
            #expect(received.count == 3)
            #expect(received.allSatisfy { $0.isVerified })
            #expect(Set(received.map(\.id)).count == 1)
            #expect(Set(received.map(\.body)).count == 1)
            for webhook in received {
                #expect(abs((webhook.timestamp ?? 0) * 1_000 - webhook.at) < 5_000)
            }
            #expect(Set(received.map(\.timestamp)).count == 3, "fresh at each attempt")
            for (early, late) in zip(received, received.dropFirst()) { #expect(late.at - early.at >= 800) }
            let attempts = try await w.sql("SELECT * FROM refund_webhook_attempts ORDER BY at")
            #expect(attempts.map { $0["status"].integer } == [500, 500, 200])
            #expect(attempts.allSatisfy { $0["webhook_id"].text == received[0].id })
            #expect(attempts.allSatisfy { ($0["duration_ms"].integer ?? -1) >= 0 })
            let webhook = try await w.webhooks("OK-1")[0]
            #expect(webhook["attempts"].integer == 3)
            #expect(webhook["last_status"].integer == 200)
            #expect(webhook["delivered_at"] != .null)
        }
    }

    @Test(.endToEnd, arguments: [404, 500, 302])
    func webhookIsDeadAfterTheLastRetryAndItsRefundNeedsAttention(status: Int) async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            let path = status == 302 ? "redirect" : "status/\(status)"
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url(path))\"", "retry_schedule": #"["100ms", "100ms"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            let row = try await w.refund("OK-1") { $0["attention"].text == "undeliverable" }
            #expect(row["state"].text == "settled")
            let webhook = try await w.webhooks("OK-1")[0]
            #expect(webhook["state"].text == "dead")
            #expect(webhook["attempts"].integer == 3)
            #expect(webhook["last_status"].integer == Int64(status))
            #expect(try await w.ledger("OK-1") == ["pending>settled", "settled>settled!undeliverable"])
            #expect(try await w.events("OK-1") == ["refund.settled"], "no event reports it")
            #expect(try receiver.requests().count == 3, "a redirect is never followed")
            #expect(try await holds(for: .seconds(1)) { try receiver.requests().count == 3 })
        }
    }

    @Test(.endToEnd) func receiverThatHangsHoldsUpNoOther() async throws {
        try await withWorkspace(on: .every) { w in
            let bad = try await w.startReceiver()
            let good = try await w.startReceiver()
            try w.configure("webhook", ["timeout": "\"20s\"", "max_in_flight": "4"])
            try await w.startEverything()
            for number in 1...12 { try await w.enqueue("OK-\(number)", ["callback_url": bad.url("hang/\(number)")]) }
            for (number, path) in ["redirect", "garbage"].enumerated() {
                try await w.enqueue("FAIL-\(number)", ["callback_url": bad.url(path)])
            }
            try await eventually("some hang") { try bad.requests().count >= 2 }
            try await w.enqueue("OK-GOOD", ["callback_url": good.url("take")])
            let received = try await eventually("the good receiver's webhook", within: .seconds(8)) {
                try good.requests().first
            }
            #expect(received.isVerified)
        }
    }

    @Test(.endToEnd) func receiverThatNeverAnswersIsATimeout() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("hang"))\"", "timeout": "\"500ms\"", "retry_schedule": #"["1h"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("a failed attempt") {
                try await w.webhooks("OK-1").first?["attempts"].integer == 1
            }
            let webhook = try await w.webhooks("OK-1")[0]
            #expect(webhook["state"].text == "pending")
            #expect(webhook["last_status"] == .null)
            #expect(webhook["last_error"].text?.contains("time") == true)
            let attempt = try await w.sql("SELECT * FROM refund_webhook_attempts")[0]
            #expect((attempt["duration_ms"].integer ?? 0) >= 450)
        }
    }

    @Test(.endToEnd) func receiverThatTalksNonsenseIsAFailure() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("garbage"))\"", "retry_schedule": #"["1h"]"#])
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("a failed attempt") {
                try await w.webhooks("OK-1").first?["attempts"].integer == 1
            }
            let webhook = try await w.webhooks("OK-1")[0]
            #expect(webhook["state"].text == "pending")
            #expect(webhook["last_error"] != .null)
        }
    }

    @Test(.endToEnd) func receiverSaysWhenToComeAgain() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("retry-after/3"))\"", "retry_schedule": #"["100ms", "100ms"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("delivered") {
                try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"]
            }
            let times = try receiver.requests().map(\.at)
            #expect(times.count == 2)
            #expect(times[1] - times[0] >= 2_900)
        }
    }

    @Test(.endToEnd) func webhooksSurviveARestart() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("fail/1"))\"", "retry_schedule": #"["2s", "1h"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("a failed attempt") { try await w.webhooks("OK-1").first?["attempts"].integer == 1 }
            w.daemon?.kill()
            try await w.startDaemon()
            try await eventually("delivered") {
                try await w.webhooks("OK-1").map { $0["state"].text } == ["delivered"]
            }
            #expect(Set(try receiver.requests().map(\.id)).count == 1)
        }
    }
}
