import Foundation
import RefundCore
import Testing

/// How often the gateway is asked.
struct PaceTests {
    // What a query may take to get to the gateway, in milliseconds, more than another one.
    private static let slack = Duration.milliseconds(300).patiently.wholeMilliseconds

    @Test(.endToEnd) func intervalsGrowUpToTheLongest() async throws {
        try await withWorkspace { w in
            try w.configure(
                "polling",
                ["initial_interval": "\"300ms\"", "multiplier": "2.0", "max_interval": "\"1s\"", "jitter": "0.0"]
            )
            try await w.startEverything()
            try await w.enqueue("NEVER-1")
            try await eventually("six queries") { try w.asked("NEVER-1").count >= 6 }
            let times = try w.asked("NEVER-1").map(\.at)
            for (gap, interval) in zip(zip(times, times.dropFirst()).map { $1 - $0 }, [300, 600, 1_000, 1_000, 1_000]) {
                #expect(gap >= Int64(interval - 100))
                #expect(gap <= Int64(interval + 3_000))
            }
        }
    }

    @Test(.endToEnd) func oldRefundsAreAskedForSlowly() async throws {
        try await withWorkspace { w in
            try w.configure("polling", ["slow_after": "\"1s\"", "slow_interval": "\"1h\""])
            try await w.startEverything()
            try await w.enqueue("NEVER-1")
            let row = try await w.refund("NEVER-1") { row in
                (row["next_query_at"].integer ?? 0) - (row["last_query_at"].integer ?? 0) > 3_000_000
            }
            #expect((row["attempts"].integer ?? 0) >= 2)
            #expect((row["next_query_at"].integer ?? 0) - (row["last_query_at"].integer ?? 0) <= 3_960_000)
        }
    }

    @Test(.endToEnd) func noMoreQueriesAreSentThanAllowed() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["max_queries_per_second": "10.0"])
            try await w.startEverything()
            try await w.enqueue((1...40).map { "OK-\($0)" })
            try await eventually("40 queries") { try w.asked().count == 40 }
            let times = try w.asked().map(\.at)
            // No more than a second's worth at once, then one every 100 ms.
            #expect(times[39] - times[0] >= 2_500)
            for (early, late) in zip(times, times.dropFirst(21)) { #expect(late - early >= 1_000 - Self.slack) }
        }
    }

    @Test(.endToEnd) func rateIsKeptOverReloadsThatChangeIt() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["max_queries_per_second": "20.0"])
            try await w.startEverything()
            let daemon = try #require(w.daemon)
            try await w.enqueue((1...100).map { "OK-\($0)" })
            for (reload, rate) in ["19.0", "10.0", "20.0", "18.0"].enumerated() {
                try await eventually("the next second's worth") { try w.asked().count >= 15 * (reload + 1) }
                try w.configure("gateway", ["max_queries_per_second": rate])
                daemon.signal(SIGHUP)
                try await eventually("reload \(reload)") {
                    daemon.errors.components(separatedBy: "configuration reloaded").count == reload + 2
                }
            }
            try await eventually("100 queries") { try w.asked().count == 100 }
            // No second sees more than 20, as the gateway counts them; what it took to get there may differ a little.
            let times = try w.asked().map(\.at)
            for (early, late) in zip(times, times.dropFirst(20)) { #expect(late - early >= 1_000 - Self.slack) }
        }
    }

    @Test(.endToEnd) func placesInFlightAreKeptOverReloads() async throws {
        try await withWorkspace { w in
            try w.configure("gateway", ["max_in_flight": "4"])
            try await w.startEverything(
                scenarios: "[prefixes.\"SLOW-\"]\nsettles_after_queries = 1\nlatency = \"500ms\""
            )
            let daemon = try #require(w.daemon)
            try await w.enqueue((1...30).map { "SLOW-\($0)" })
            for reload in 1...3 {
                try await eventually("the next queries") { try w.asked().count >= 6 * reload }
                daemon.signal(SIGHUP)
                try await eventually("reload \(reload)") {
                    daemon.errors.components(separatedBy: "configuration reloaded").count == reload + 1
                }
            }
            try await eventually("all settled") {
                try await w.sql("SELECT 1 FROM refund_queue WHERE state <> 'settled'").isEmpty
            }
            // A fifth query arrives once the first of four has been answered.
            let times = try w.asked().map(\.at)
            #expect(times.count == 30)
            for (early, late) in zip(times, times.dropFirst(4)) { #expect(late - early >= 400) }
        }
    }

    @Test(.endToEnd) func dueTimeThatIsMissingOrTooFarAheadCountsAsDue() async throws {
        try await withWorkspace { w in
            try w.configure(
                "polling",
                ["initial_interval": "\"5m\"", "max_interval": "\"5m\"", "slow_interval": "\"5m\""]
            )
            try await w.startEverything()
            try await w.enqueue("NEVER-1")
            for (number, value) in ["NULL", "4102444800000"].enumerated() {
                try await w.refund("NEVER-1") { $0["attempts"].integer == Int64(number + 1) }
                try await w.sql("UPDATE refund_queue SET next_query_at = \(value)")
            }
            try await w.refund("NEVER-1") { $0["attempts"].integer == 3 }
            #expect(try await holds(for: .seconds(1)) { try w.asked("NEVER-1").count == 3 })
        }
    }
}
