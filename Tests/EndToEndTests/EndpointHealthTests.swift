import Testing

/// Receivers that are down, gone, or too slow for what waits for them.
struct EndpointHealthTests {
    @Test(.endToEnd) func endpointThatIsDownGetsProbesAndTheOthersKeepTheirRetries() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("status/500"))\"", "retry_schedule": #"["1h"]"#])
            try await w.startEverything()
            try await w.enqueue((1...40).map { "OK-\($0)" })
            let open = try await eventually("the open breaker in status") {
                let endpoints = try await w.refundd("status", "--json").json["endpoints"]
                return endpoints["open_count"].integer == 1 ? endpoints["open"].items.first : nil
            }
            #expect(open["endpoint"].text == receiver.origin)
            #expect(open["reason"].text == "HTTP 500")
            #expect(try await w.refundd("status").output.contains("endpoint \(receiver.origin)"))
            // Ten failures, and since then a probe after 1, 2 and 4 s; a fifth of what would have been sent.
            #expect(try await holds(for: .seconds(3)) { try receiver.requests().count <= 13 })
            let untried = try await w.sql("SELECT count(*) AS n FROM refund_webhooks WHERE attempts = 0")
            #expect((untried.first?["n"].integer ?? 0) >= 25)
            // Another URL of the same receiver is not known to fail, so that it is the next probe, and closes it.
            try await w.enqueue("OK-GOOD", ["callback_url": receiver.url("take")])
            try await eventually("the good URL's webhook") { try receiver.requests(to: "take").count == 1 }
            try await eventually("the closing in the log") {
                w.daemon?.errors.contains("endpoint accepts webhooks again") == true
            }
        }
    }

    @Test(.endToEnd) func goneURLIsDisabledForGoodAndTheHostIsServed() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            let url = receiver.url("status/410/secret-path")
            try await w.startEverything()
            for number in 1...8 { try await w.enqueue("OK-\(number)", ["callback_url": url]) }
            for number in 1...8 {
                try await w.refund("OK-\(number)") { $0["attention"].text == "undeliverable" }
                #expect(try await w.ledger("OK-\(number)") == ["pending>settled", "settled>settled!undeliverable"])
                #expect(try await w.events("OK-\(number)") == ["refund.settled"], "no event reports it")
            }
            // Two places for a new endpoint: no more were under way when the first answer came.
            let sent = try receiver.requests().count
            #expect((1...2).contains(sent))
            let dead = try await w.sql("SELECT attempts, last_error FROM refund_webhooks WHERE state = 'dead'")
            #expect(dead.count == 8)
            #expect(dead.filter { $0["attempts"].integer == 0 }.count == 8 - sent)
            for webhook in dead where webhook["attempts"].integer == 0 {
                #expect(webhook["last_error"].text?.contains("refundd redeliver") == true)
            }
            let lines = (w.daemon?.errors ?? "").split(separator: "\n").filter { $0.contains("webhook URL disabled") }
            #expect(lines.count == 1)
            #expect(lines.first?.contains("refundd redeliver msg_") == true)
            #expect(w.daemon?.errors.contains("webhook is dead: the receiver answered 410 Gone") == true)
            #expect(w.daemon?.errors.contains("its last retry failed") == false)
            #expect(w.daemon?.errors.contains("secret-path") == false)
            // It is remembered, and about the one URL.
            w.daemon?.kill()
            try await w.startDaemon()
            try await w.enqueue("OK-9", ["callback_url": url])
            try await w.refund("OK-9") { $0["attention"].text == "undeliverable" }
            try await w.enqueue("OK-10", ["callback_url": receiver.url("take")])
            try await eventually("the other URL's webhook") { try receiver.requests(to: "take").count == 1 }
            #expect(try receiver.requests(to: "status/410/secret-path").count == sent)
            let endpoints = try await w.refundd("status", "--json").json["endpoints"]
            #expect(endpoints["disabled_count"].integer == 1)
            #expect(endpoints["disabled"].items.map { $0["url"].text } == [url])
            #expect(endpoints["disabled"].items.map { $0["reason"].text } == ["HTTP 410"])
            #expect(try await w.refundd("status").output.contains("disabled URLs"))
        }
    }

    @Test(.endToEnd) func manyWebhooksForAReceiverThatHangsDelayNoOther() async throws {
        try await withWorkspace(on: .every) { w in
            let bad = try await w.startReceiver()
            let good = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(bad.url("hang"))\"", "timeout": "\"20s\"", "max_in_flight": "8"])
            try await w.startEverything()
            try await w.enqueue((1...500).map { "OK-\($0)" })
            try await eventually("all wait") {
                let waiting = try await w.sql("SELECT count(*) AS n FROM refund_webhooks WHERE state = 'pending'")
                return waiting.first?["n"].integer == 500
            }
            for number in 1...20 { try await w.enqueue("OK-G\(number)", ["callback_url": good.url("take")]) }
            try await eventually("the good receiver's webhooks", within: .seconds(10)) {
                try good.requests().count == 20
            }
            let ended = try await w.sql("SELECT count(*) AS n FROM refund_webhook_attempts WHERE status IS NULL")
            #expect(ended.first?["n"].integer == 0, "not one attempt at the other has ended meanwhile")
        }
    }
}
