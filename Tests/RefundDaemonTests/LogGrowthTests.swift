import RefundCore
import RefundStoreSQLite
import Testing

@testable import RefundDaemon

struct LogGrowthTests {
    private static let bound = RefundStore.walLimit

    /// Which of these sizes, seen one after the other, are told.
    private func told(_ sizes: [Int64]) -> [Int64] {
        var growth = LogGrowth()
        return sizes.filter { growth.isNews($0) }
    }

    @Test func growthIsToldOnceAboveTheBoundAndThenAtEachDoubling() {
        let (first, second, third) = (Self.bound + 1, 2 * Self.bound + 2, 9 * Self.bound)
        let sizes = [0, Self.bound, first, first, second - 1, second, 3 * Self.bound, third]
        #expect(told(sizes) == [first, second, third])
    }

    @Test func logThatWasCutIsToldAgainWhenItGrows() {
        let (large, again) = (3 * Self.bound, Self.bound + 1)
        #expect(told([large, again]) == [large])
        #expect(told([large, Self.bound, again]) == [large, again])
    }

    @Test func logIsCutAtMostOnceASecondAndOnlyAboveTheBound() {
        var growth = LogGrowth()
        let start = Timestamp(milliseconds: 1_700_000_000_000)
        func tries(_ size: Int64, after milliseconds: Int64) -> Bool {
            growth.isToBeCut(size, at: Timestamp(milliseconds: start.milliseconds + milliseconds))
        }
        #expect(!tries(Self.bound, after: 0))
        #expect(tries(Self.bound + 1, after: 0))
        #expect(!tries(Self.bound + 1, after: 999))
        #expect(tries(Self.bound + 1, after: 1_000))
        #expect(tries(Self.bound + 1, after: -3_600_000), "a clock that was set back holds nothing up")
    }
}
