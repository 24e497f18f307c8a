import Foundation
import RefundCore
import Synchronization
import Testing

/// Memory stays the same however long the daemon runs.
///
/// The number of queries is small unless `REFUNDD_SOAK_QUERIES` says otherwise. A long soak goes by the environment of
/// `deploy/refundd.service`, without which the allocator's arenas grow for some hundred thousand queries more:
/// `MALLOC_ARENA_MAX=2 REFUNDD_SOAK_QUERIES=1000000 swift test --filter SoakTests`.
@Suite(.serialized)
struct SoakTests {
    /// What caches and the allocator may still take in the second half.
    private static let allowedGrowth = 6 << 20

    @Test(.timeLimit(.minutes(240)))
    func memoryStaysTheSameOverManyQueries() async throws {
        let queries = ProcessInfo.processInfo.environment["REFUNDD_SOAK_QUERIES"].flatMap(Int.init) ?? 20_000
        let soak = try Soak()
        defer { soak.remove() }
        try await soak.start()
        let start = ContinuousClock.now
        var samples: [Int] = []
        for tenth in 1...10 {
            try await soak.run(untilAnswered: queries * tenth / 10)
            samples.append(try residentMemory())
            let seconds = start.duration(to: .now).components.seconds
            print(
                "soak: \(soak.answered) queries, \(soak.settled) settled, \(samples[tenth - 1] >> 10) KiB, \(seconds) s"
            )
        }
        await soak.drain()
        #expect(soak.settled > queries / 100)
        #expect(samples[9] - samples[4] < Self.allowedGrowth, "\(samples)")
    }

    private func residentMemory() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ").dropFirst()
        return try #require(pages.first.flatMap { Int($0) }) * Int(getpagesize())
    }
}
