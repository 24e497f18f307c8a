import Foundation
import Testing

/// What receivers get.
struct WebhookTests {
    private static let members: Set = [
        "refund_id", "sequence", "gateway", "merchant_no", "merchant_order_no", "trans_no", "orig_trans_no", "state",
        "previous_state", "attention", "trans_status", "amount", "currency", "expected_amount", "expected_currency",
        "trans_end_time", "pay_channel_trans_no", "failure", "actor", "reason", "attempts", "enqueued_at", "metadata",
    ]

    @Test(.endToEnd) func webhookSaysEverythingThatTheContractNames() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.enqueue(
                "OK3-1",
                ["expected_amount": "1200.0", "expected_currency": "JPY", "metadata": #"{"cart":"c-9","n":[1,null]}"#]
            )
            try await w.enqueue("FAIL-1")
            try await eventually("two webhooks") { try receiver.requests().count == 2 }
            for received in try receiver.requests() {
                #expect(received.method == "POST")
                #expect(received.contentType == "application/json")
                #expect(received.isVerified)
                #expect(received.signatures == 1)
                #expect(received.event.names == ["type", "timestamp", "data"])
                #expect(isTime(received.event["timestamp"]))
                #expect(received.data.names == Self.members)
                #expect(isTime(received.data["enqueued_at"]))
                #expect(received.data["gateway"].text == "default")
                #expect(received.data["merchant_no"].text == "312100007235")
                #expect(received.data["trans_no"].text?.hasPrefix("41") == true)
                #expect(received.data["orig_trans_no"].text?.hasPrefix("40") == true)
                #expect(received.data["actor"].text == "refundd")
                #expect(received.data["attention"] == .null)
            }
            let settled = try #require(try receiver.requests().first { $0.type == "refund.settled" }).data
            #expect(settled["refund_id"].integer == 1)
            #expect(settled["sequence"].integer == 2)
            #expect(settled["merchant_order_no"].text == "OK3-1")
            #expect(settled["state"].text == "settled")
            #expect(settled["previous_state"].text == "processing")
            #expect(settled["trans_status"].integer == 2)
            #expect(settled["amount"].text == "1200")
            #expect(settled["currency"].text == "JPY")
            #expect(settled["expected_amount"].text == "1200.0")
            #expect(settled["expected_currency"].text == "JPY")
            #expect(isTime(settled["trans_end_time"]))
            #expect(settled["pay_channel_trans_no"].text?.hasPrefix("CH") == true)
            #expect(settled["failure"] == .null)
            #expect(settled["attempts"].integer == 3)
            #expect(settled["metadata"] == .object(["cart": .text("c-9"), "n": .list([.integer(1), .null])]))
            let failed = try #require(try receiver.requests().first { $0.type == "refund.failed" }).data
            #expect(failed["previous_state"].text == "pending")
            #expect(
                failed["failure"]
                    == .object(["code": .text("TS-D2012"), "message": .text("insufficient funds")])
            )
            #expect(failed["metadata"] == .null)
            #expect(failed["expected_amount"] == .null)
        }
    }

    private func isTime(_ value: JSON) -> Bool {
        value.text?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/) != nil
    }

    @Test(.endToEnd) func callbackOfTheRowGoesBeforeTheDefault() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take/default"))\""])
            try await w.startEverything()
            try await w.enqueue("OK-1", ["callback_url": receiver.url("take/own?shop=7")])
            try await w.enqueue("OK-2")
            try await eventually("two webhooks") { try receiver.requests().count == 2 }
            let paths = Dictionary(
                uniqueKeysWithValues: try receiver.requests().map { ($0.data["merchant_order_no"].text, $0.path) }
            )
            #expect(paths == ["OK-1": "/take/own?shop=7", "OK-2": "/take/default"])
        }
    }

    @Test(.endToEnd) func refundWithoutAnyAddressHasEventsButNoWebhook() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            try await w.enqueue("OK3-1")
            try await w.refund("OK3-1", is: "settled")
            #expect(try await w.events("OK3-1") == ["refund.processing", "refund.settled"])
            #expect(try await w.sql("SELECT id FROM refund_webhooks").isEmpty)
        }
    }

    @Test(.endToEnd) func eventsOutsideTheChosenOnesHaveNoWebhook() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\"", "events": "[\"refund.failed\"]"])
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await w.enqueue("FAIL-1")
            try await w.refund("OK-1", is: "settled")
            try await eventually("the webhook") { try receiver.requests().count == 1 }
            #expect(try receiver.requests()[0].type == "refund.failed")
            #expect(try await w.events("OK-1") == ["refund.settled"])
            #expect(try await w.webhooks("OK-1").isEmpty)
        }
    }

    @Test(.endToEnd) func eventsRiseAndAreReadFromAPosition() async throws {
        try await withWorkspace(on: .every) { w in
            try await w.startEverything()
            for number in 1...5 { try await w.enqueue("OK-\(number)") }
            for number in 1...5 { try await w.refund("OK-\(number)", is: "settled") }
            let events = try await w.sql("SELECT * FROM refund_events WHERE position > 0 ORDER BY position")
            #expect(events.count == 5)
            #expect(
                events[0].names.isSuperset(of: [
                    "position", "at", "type", "refund_id", "merchant_order_no", "state", "body",
                ])
            )
            for event in events {
                let body = try JSON(parsing: event["body"].text ?? "")
                #expect(body["type"] == event["type"])
                #expect(body["data"]["refund_id"] == event["refund_id"])
                #expect(body["data"]["merchant_order_no"] == event["merchant_order_no"])
                #expect(event["state"].text == "settled")
            }
            let last = try #require(events[3]["position"].integer)
            #expect(try await w.sql("SELECT 1 FROM refund_events WHERE position > \(last)").count == 1)
        }
    }

    @Test(.endToEnd) func twoSecretsMakeTwoSignatures() async throws {
        try await withWorkspace(on: .every) { w in
            try w.writeSecret(to: "second_secret")
            let receiver = try await w.startReceiver(secrets: ["webhook_secret", "second_secret"])
            try w.configure(
                "webhook",
                ["url": "\"\(receiver.url("take"))\"", "secret_files": #"["webhook_secret", "second_secret"]"#]
            )
            try await w.startEverything()
            try await w.enqueue("OK-1")
            let received = try await eventually("the webhook") { try receiver.requests().first }
            #expect(received.signatures == 2)
            #expect(received.verified == [true, true])
        }
    }

    @Test(.endToEnd) func receiverWithACertificateOfItsOwnAuthorityIsTrustedOnceNamed() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver(tls: true)
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try await w.startEverything()
            try await w.enqueue("OK-1")
            try await eventually("a failed attempt") {
                try await w.webhooks("OK-1").first?["last_error"].text?.contains("certificate") == true
            }
            #expect(try receiver.requests().isEmpty)
            try w.configure("webhook", ["ca_file": "\"ca.pem\""])
            let daemon = try #require(w.daemon)
            daemon.signal(SIGHUP)
            try await daemon.waitForErrors(containing: "reloaded")
            try await w.enqueue("OK-2")
            let received = try await eventually("the webhook") {
                try receiver.requests().first { $0.data["merchant_order_no"].text == "OK-2" }
            }
            #expect(received.isVerified)
        }
    }
}
