import Foundation
import Testing

/// How soon the gateway is asked after another program has enqueued a refund.
struct InsertLatencyTests {
    @Test(.endToEnd) func insertByAnotherProcessIsAskedForAtOnce() async throws {
        try await withWorkspace(slots: Slots.shared.count) { w in
            try w.configure("polling", ["initial_interval": "\"1m\"", "max_interval": "\"1m\""])
            try await w.startEverything()
            let count = 200
            let inserted = try await w.runPython("insert.py", [w.database, "\(count)", "20"])
            try #require(inserted.exitCode == 0, "\(inserted.errors)")
            let committed = try inserted.json
            #expect(committed.names.count == count)
            try await eventually("\(count) queries") { try w.asked().count >= count }

            var first: [String: Int64] = [:]
            for asked in try w.asked() { first[asked.number] = min(first[asked.number] ?? .max, asked.at) }
            let latencies = try committed.names
                .map { order in
                    let commit: Double =
                        switch committed[order] {
                        case .real(let value): value
                        case .integer(let value): Double(value)
                        default: .nan
                        }
                    return Double(try #require(first[order], "\(order)")) - commit
                }
                .sorted()
            let p50 = latencies[latencies.count / 2]
            let p99 = latencies[latencies.count * 99 / 100]
            print(
                "insert to first query: p50 \(rounded(p50)) ms, p99 \(rounded(p99)) ms, n=\(latencies.count)"
            )
            #expect(p50 < 200)
        }
    }

    private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
