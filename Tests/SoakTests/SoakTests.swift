import Foundation
import RefundCore
import Testing

/// Memory stays flat however long the daemon runs.
///
/// The number of queries is small unless `TEST_SOAK_QUERIES` sets it. A long soak needs the environment of
/// `deploy/refundd.service`, without which the allocator's arenas grow for some hundred thousand queries more:
/// `MALLOC_ARENA_MAX=2 TEST_SOAK_QUERIES=1000000 swift test --filter SoakTests`.
@Suite(.serialized)
struct SoakTests {
    /// What caches and the allocator may still take in the second half.
    private static let allowedGrowth = 6 << 20

    @Test(.timeLimit(.minutes(240)))
    func memoryStaysFlatOverManyQueries() async throws {
        let queries = ProcessInfo.processInfo.environment["TEST_SOAK_QUERIES"].flatMap(Int.init) ?? 20_000
        let soak = try Soak()
        try await soak.start()
        let start = ContinuousClock.now
        var samples: [Int] = []
        for tenth in 1...10 {
            try await soak.run(untilAnswered: queries * tenth / 10)
            samples.append(try residentMemory())
            let seconds = start.duration(to: .now).components.seconds
            print(
                "soak: \(soak.answered) queries, \(soak.settled) settled, \(soak.delivered) delivered, "
                    + "\(samples[tenth - 1] >> 10) KiB, \(seconds) s"
            )
        }
        await soak.end()
        #expect(soak.settled > queries / 100)
        #expect(soak.delivered > soak.settled / 2)
        #expect(samples[9] - samples[4] < Self.allowedGrowth, "\(samples)")
    }

    private func residentMemory() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ").dropFirst()
        return try #require(pages.first.flatMap { Int($0) }) * Int(getpagesize())
    }
}
