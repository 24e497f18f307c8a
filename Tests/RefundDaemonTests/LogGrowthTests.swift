import RefundStore
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
}
