import RefundCore
import RefundStore
import Testing

/// Which refunds belong together, as far as their order numbers tell.
struct RefundGroupTests {
    private func groups(_ numbers: [String?]) -> [RefundGroup] {
        RefundGroup.grouping(
            numbers.shuffled().map { RefundGroup.Member(orderNo: $0, enqueued: Timestamp(milliseconds: 0)) }
        )
    }

    private func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    // As a shop numbers them that takes the time.
    private let real = (0..<82).map { "R-1795957\(100 + $0 * 3)" }

    @Test(arguments: ["R-2022", "R-", "R-2022-", "BACKFILL-"])
    func runOfNumbersIsAGroupWithoutTheOthers(beginning: String) {
        let run = (0..<20_000).map { "\(beginning)\(padded($0, 6))" }
        let found = groups(run + real)
        #expect(found.first?.count == 20_000)
        #expect(found.first?.lowestNumber == run.first && found.first?.highestNumber == run.last)
        let prefix = found.first?.prefix ?? ""
        #expect(prefix.hasPrefix(beginning) && run.allSatisfy { $0.hasPrefix(prefix) })
        #expect(!real.contains { $0.hasPrefix(prefix) }, "\(prefix)")
        #expect(found.dropFirst().map(\.count).reduce(0, +) == 82)
    }

    @Test(arguments: [
        (20_260_795..<20_260_812, 20_269_000..<20_289_000), (20_260_795..<20_260_812, 20_261_000..<20_269_000),
        (20_260_795..<20_260_895, 20_261_000..<20_269_000), (20_260_795..<20_260_812, 20_261_000..<20_301_000),
        (20_260_795..<20_260_812, 20_260_950..<20_261_000), (1_000..<1_051, 1_000_000..<1_020_000),
        (1_795_957_100..<1_795_957_182, 1..<15_001),
    ])
    func runThatBeginsLikeTheRealNumbersIsSplitUntilNoGroupHasBoth(real: Range<Int>, run: Range<Int>) {
        let found = groups(run.map { "R-\($0)" } + real.map { "R-\($0)" })
        #expect(found.map(\.count).reduce(0, +) == run.count + real.count)
        // A number may begin a longer one, so a group may be one number.
        for group in found where group.count >= 20 {
            let prefix = group.prefix ?? ""
            let hasReal = real.contains { "R-\($0)".hasPrefix(prefix) }
            let hasMistaken = run.contains { "R-\($0)".hasPrefix(prefix) }
            #expect(hasReal != hasMistaken, "\(group)")
        }
    }

    @Test func paddedAndUnpaddedCountersAreTwoRuns() {
        let found = groups((1..<20_001).map { "R-\($0)" } + (1..<51).map { "R-\(padded($0, 6))" })
        #expect(found.first { $0.prefix?.hasPrefix("R-0") == true }?.count == 50)
    }

    @Test func whatFollowsTheCounterDoesNotMatter() {
        let run = (0..<10_000).map { "R-2024-\(padded($0, 6))@JPY1200" }
        let found = groups(run + real)
        #expect(found.first?.prefix == "R-2024-00")
        #expect(found.first?.count == 10_000)
    }

    @Test func counterWithoutZerosInFrontIsOneRun() {
        let found = groups((1...15_000).map { "UNKNOWN-\($0)" } + real)
        #expect(found.first?.prefix == "UNKNOWN-")
        #expect(found.first?.count == 15_000)
    }

    @Test func asManyRealOnesAreAGroupOfTheirOwn() {
        let shop = (0..<5_000).map { "R-17959\(padded($0 * 17, 6))" }
        let found = groups((0..<5_000).map { "R-2022\(padded($0, 6))" } + shop)
        #expect(found.map(\.count).prefix(2) == [5_000, 5_000])
        #expect(Set(found.prefix(2).map { $0.prefix?.prefix(5) }) == ["R-202", "R-179"])
    }

    @Test func randomNumbersAreOneGroup() {
        var random = SplitMix64(seed: 1)
        let found = groups((0..<5_000).map { _ in "R-\(String(random.next(), radix: 16))" })
        #expect(found.map(\.prefix) == ["R-"])
        #expect(found.first?.count == 5_000)
    }

    @Test func refundsWithoutANumberAreAGroupAndNoneIsNoGroup() {
        #expect(groups([nil, nil, "R-1"]).map(\.prefix) == [nil, "R-1"])
        #expect(groups([nil, nil, "R-1"]).map(\.count) == [2, 1])
        #expect(groups([]).isEmpty)
    }

    @Test func prefixEndsWithAWholeCharacter() {
        let found = groups((0..<30).map { "返金\($0.isMultiple(of: 2) ? "あ" : "い")\($0)" })
        #expect(found.reduce(0) { $0 + $1.count } == 30)
        #expect(found.allSatisfy { $0.prefix?.hasPrefix("返金") == true }, "\(found.map(\.prefix))")
        #expect(groups(["é1", "è1"]).map(\.prefix) == [""])
    }
}
