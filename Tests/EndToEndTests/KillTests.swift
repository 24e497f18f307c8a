import Testing

/// A daemon that is killed and started again.
struct KillTests {
    @Test(.endToEnd) func refundInFlightWhenTheDaemonIsKilledIsAskedForAgainAtTheNextStart() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("polling", ["initial_interval": "\"5m\"", "max_interval": "\"5m\""])
            try await w.startEverything(scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"4s\"")
            let orders = (1...5).map { "SLOW-\($0)" }
            try await w.enqueue(orders)
            try await eventually("all in flight") {
                try await w.queriesInSimulator() == Dictionary(uniqueKeysWithValues: orders.map { ($0, 1) })
            }
            w.daemon?.kill()
            for order in orders { #expect(try await w.refund(order)["state"].text == "pending") }

            try await w.startDaemon()
            try await eventually("all asked for again", within: .seconds(3)) {
                try await w.queriesInSimulator() == Dictionary(uniqueKeysWithValues: orders.map { ($0, 2) })
            }
            for order in orders {
                try await w.refund(order, is: "settled")
                #expect(try await w.ledger(order) == ["pending>settled"])
                #expect(try await w.events(order) == ["refund.settled"])
            }
            try await eventually("all webhooks") { try receiver.requests().count >= orders.count }
            #expect(Set(try receiver.requests().map(\.id)).count == orders.count)
        }
    }

    @Test(.endToEnd) func nothingIsLostAndNothingToldTwiceHoweverOftenTheDaemonIsKilled() async throws {
        try await withWorkspace(on: .every) { w in
            let receiver = try await w.startReceiver()
            try w.configure("webhook", ["url": "\"\(receiver.url("take"))\""])
            try w.configure("gateway", ["max_queries_per_second": "60.0"])
            try await w.startEverything()
            let orders = (1...40).map { "OK-\($0)" } + (1...40).map { "OK3-\($0)" }
            try await w.enqueue(orders)
            func settled() async throws -> Int {
                try await w.sql("SELECT 1 FROM refund_queue WHERE state = 'settled'").count
            }
            for part in 1...5 {
                try await eventually("\(part * 10) settled") { try await settled() >= part * 10 }
                w.daemon?.kill()
                try await w.startDaemon()
            }
            try await eventually("all settled") { try await settled() == orders.count }
            try await eventually("all delivered") {
                try await w.sql("SELECT 1 FROM refund_webhooks WHERE state = 'delivered'").count == orders.count
            }
            let received = try receiver.requests()
            #expect(Set(received.map(\.id)).count == orders.count, "a repeated webhook keeps its id")
            #expect(Set(received.compactMap { $0.data["merchant_order_no"].text }) == Set(orders))
            #expect(received.allSatisfy { $0.isVerified })
            let wrong = try await w.sql(
                """
                SELECT q.merchant_order_no, count(*) AS rows, max(sequence) AS last FROM refund_queue q
                JOIN refund_transitions t ON t.refund_id = q.id GROUP BY q.id
                HAVING count(*) <> max(sequence) OR count(CASE WHEN t.to_state = 'settled' THEN 1 END) <> 1
                    OR count(*) > CASE WHEN merchant_order_no LIKE 'OK3-%' THEN 2 ELSE 1 END
                """
            )
            #expect(wrong.isEmpty, "\(wrong)")
            #expect(try await w.sql("SELECT 1 FROM refund_events WHERE type = 'refund.settled'").count == orders.count)
        }
    }
}
