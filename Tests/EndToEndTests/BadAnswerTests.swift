import Foundation
import Testing

/// Answers that are broken, hostile or late.
struct BadAnswerTests {
    /// A fault of the simulator, and words of which `last_error` has one.
    private static let faults: [(fault: String, words: [String])] = [
        ("http_503", ["503"]),
        ("html", ["JSON"]),
        ("not_json", ["JSON"]),
        ("not_utf8", ["UTF-8", "JSON"]),
        ("truncated", ["ended", "closed", "cut", "incomplete", "short", "bytes"]),
        ("huge", ["large", "long", "MiB", "bytes", "limit"]),
        ("reset", ["reset", "closed", "connection"]),
        ("close", ["closed", "empty", "no answer", "connection", "nothing"]),
        ("hang", ["time", "second"]),
        ("other_order", ["other", "not ours", "another", "instead"]),
        ("wrong_signature", ["sign"]),
        ("unsigned", ["sign"]),
        ("empty_sign", ["sign"]),
        ("duplicate_member", ["repeated"]),
        ("unknown_status", ["trans_status"]),
    ]

    @Test(.endToEnd) func refundStaysOpenWithAReasonUntilTheFaultEnds() async throws {
        try await withWorkspace { w in
            let orders = Self.faults.indices.map { "FAULT\($0)-1" }
            let scenarios = Self.faults.enumerated().map { index, fault in
                "[prefixes.\"FAULT\(index)-\"]\nsettles_after_queries = 1\nfault = \"\(fault.fault)\"\n"
            }
            try w.configure("gateway", ["timeout": "\"1s\""])
            try await w.startEverything(scenarios: scenarios.joined())
            // Answers that verify come between, so that the gateway as a whole is not in doubt.
            for number in 1...4 { try await w.enqueue("NEVER-\(number)") }
            for order in orders { try await w.enqueue(order) }

            for (order, fault) in zip(orders, Self.faults) {
                let row = try await w.refund(order) {
                    ($0["attempts"].integer ?? 0) >= 3 && $0["last_error"] != .null
                }
                #expect(row["state"].text == "pending", "\(fault.fault)")
                #expect(row["attention"] == .null, "\(fault.fault)")
                #expect(row["trans_amount"] == .null, "\(fault.fault)")
                let error = row["last_error"].text ?? ""
                #expect(fault.words.contains { error.contains($0) }, "\(fault.fault): \(error)")
                #expect(error.utf8.count <= 500, "\(fault.fault)")
                #expect(try await w.ledger(order) == [], "\(fault.fault)")
                #expect(try await w.events(order) == [], "\(fault.fault)")
            }
            w.stopSimulator()
            let healed = Self.faults.indices.map { "[prefixes.\"FAULT\($0)-\"]\nsettles_after_queries = 1\n" }
            try await w.startSimulator(scenarios: healed.joined(), port: w.simulatorPort)
            for (order, fault) in zip(orders, Self.faults) {
                let row = try await w.refund(order, is: "settled")
                #expect(row["last_error"] == .null, "\(fault.fault)")
                #expect(try await w.ledger(order) == ["pending>settled"], "\(fault.fault)")
            }
            #expect(try await w.sql("SELECT 1 FROM refund_events WHERE type = 'gateway.needs_attention'").isEmpty)
        }
    }

    @Test(.endToEnd, arguments: ["text", "object"]) func dataIsReadAsTextAndAsObject(form: String) async throws {
        try await withWorkspace { w in
            try await w.startEverything(scenarios: "[default]\nsettles_after_queries = 2\ndata_form = \"\(form)\"")
            try await w.enqueue("R-1")
            let row = try await w.refund("R-1", is: "settled")
            #expect(row["trans_status"].integer == 2)
            #expect(row["trans_amount"].text == "1200")
            #expect(row["trans_currency"].text == "JPY")
            #expect((row["trans_end_at"].integer ?? 0) > 1_700_000_000_000)
        }
    }

    @Test(.endToEnd) func bothNumbersMustBeEchoed() async throws {
        try await withWorkspace { w in
            try await w.startEverything(scenarios: "[default]\nsettles_after_queries = 1\ntrans_no = \"4112\"")
            try await w.enqueue("R-1", ["trans_no": "4112"])
            try await w.enqueue("R-2", ["trans_no": "4113"])
            try await w.refund("R-1", is: "settled")
            let row = try await w.refund("R-2") { ($0["attempts"].integer ?? 0) >= 2 && $0["last_error"] != .null }
            #expect(row["state"].text == "pending")
            #expect(row["trans_no"].text == "4113")
            #expect(try w.asked().contains { $0.number == "R-2" }, "the order number is asked for")
        }
    }
}
