import Testing

/// Webhooks of one refund, which never arrive out of order and never wait for an older one.
struct WebhookOrderTests {
    private static let everything = #"["refund.processing", "refund.settled", "refund.needs_attention"]"#

    @Test(.endToEnd) func newerEventSupersedesAnOlderOneThatWasNotTaken() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                [
                    "url": "\"\(receiver.url("fail/1"))\"", "events": Self.everything,
                    "retry_schedule": #"["5s", "5s"]"#,
                ]
            )
            try await w.startEverything()
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "settled")
            try await eventually("settled delivered") {
                try await w.webhooks("OK3-1").map { $0["state"].text } == ["superseded", "delivered"]
            }
            #expect(try await w.events("OK3-1") == ["refund.processing", "refund.settled"])
            #expect(try await holds(for: .seconds(6)) { try receiver.requests().count == 2 })
            #expect(try receiver.requests().map(\.type) == ["refund.processing", "refund.settled"])
        }
    }

    @Test(.endToEnd) func attemptInFlightEndsBeforeTheNewerEventIsSent() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("slow/2000"))\"", "events": Self.everything]
            )
            try await w.startEverything()
            try await w.enqueue("OK3-1")
            try await eventually("both delivered") {
                try await w.webhooks("OK3-1").map { $0["state"].text } == ["delivered", "delivered"]
            }
            let received = try receiver.requests()
            #expect(received.map(\.type) == ["refund.processing", "refund.settled"])
            #expect(received[1].at - received[0].at >= 1_990)
        }
    }

    @Test(.endToEnd) func needForAttentionIsSupersededOnlyByAnEventWithAWebhook() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                [
                    "url": "\"\(receiver.url("fail/1"))\"", "events": #"["refund.needs_attention"]"#,
                    "retry_schedule": #"["4s", "4s"]"#,
                ]
            )
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("OK2S-1")
            try await w.refund("OK2S-1", is: "settled")
            #expect(
                try await w.events("OK2S-1")
                    == ["refund.processing", "refund.needs_attention!overdue", "refund.settled"]
            )
            try await eventually("delivered") {
                try await w.webhooks("OK2S-1").map { $0["state"].text } == ["delivered"]
            }
            #expect(try receiver.requests().map(\.type) == ["refund.needs_attention", "refund.needs_attention"])
        }
    }

    @Test(.endToEnd) func needForAttentionIsSupersededByTheVerdictsWebhook() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("fail/1"))\"", "retry_schedule": #"["30s"]"#]
            )
            try w.configure("polling", ["attention_after": "\"1s\""])
            try await w.startEverything()
            try await w.enqueue("OK3S-1")
            try await w.refund("OK3S-1", is: "settled")
            try await eventually("the verdict delivered") {
                try await w.webhooks("OK3S-1").map { $0["state"].text } == ["superseded", "delivered"]
            }
        }
    }
}
