import Foundation
import Testing

/// An application that puts back an older copy of its database while the daemon serves it.
struct RestoredDatabaseTests {
    // New refunds take the row ids of the lost ones, whose answers are still on their way.
    @Test(.endToEnd, arguments: [false, true])
    func answerOfALostRefundIsNotAppliedToTheOneThatTookItsRow(isKilled: Bool) async throws {
        try await withWorkspace { w in
            try await w.startSimulator(
                scenarios: """
                    [prefixes."LOST-"]
                    settles_after_queries = 1
                    latency = "3s"

                    [prefixes."NEW-"]
                    settles_after_queries = 1000

                    """
            )
            try await w.initDatabase()
            try await w.startDaemon()
            try await w.enqueue("OK-1")
            try await w.refund("OK-1", is: "settled")
            try await w.sql(".backup '\(w.path("copy.db"))'")
            let lost = (1...3).map { "LOST-\($0)" }
            try await w.enqueue(lost)
            try await eventually("all in flight") {
                try await w.queriesInSimulator().filter { $0.key != "OK-1" }.count == 3
            }
            let ids = try await w.sql("SELECT id FROM refund_queue WHERE merchant_order_no LIKE 'LOST-%' ORDER BY id")

            try await w.sql(".restore '\(w.path("copy.db"))'")
            let new = (1...3).map { "NEW-\($0)" }
            try await w.enqueue(new)
            let taken = try await w.sql("SELECT id FROM refund_queue WHERE merchant_order_no LIKE 'NEW-%' ORDER BY id")
            #expect(taken == ids, "the new refunds take the lost ones' rows")
            if !isKilled {
                try await eventually("the answers about the lost ones") {
                    try w.asked().filter { lost.contains($0.number) }.count == 3
                }
                // The answers are out; a moment later the daemon has written what it makes of them.
                _ = try await holds(for: .seconds(1)) { true }
            }
            w.daemon?.kill()
            for order in new {
                let state = try await w.refund(order)["state"].text ?? ""
                #expect(["pending", "processing"].contains(state), "\(order) is \(state)")
            }
            let verification = try await w.refundd("verify")
            #expect(verification.exitCode == 0, "\(verification.output)\(verification.errors)")
        }
    }
}
