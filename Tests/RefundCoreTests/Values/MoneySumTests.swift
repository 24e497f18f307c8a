import RefundCore
import Testing

struct MoneySumTests {
    private func sum(_ amounts: String...) -> String {
        var sum = MoneySum()
        let isAdded = amounts.map { sum.add($0) }
        #expect(isAdded.allSatisfy { $0 })
        return sum.grouped
    }

    @Test func sumsAreExactAndGrouped() {
        #expect(sum() == "0")
        #expect(sum("1200") == "1,200")
        #expect(sum("0.1", "0.2") == "0.30")
        #expect(sum("999999.99", "0.01") == "1,000,000")
        #expect(sum("12.5", "0.125") == "12.625")
        #expect(sum("007.10") == "7.10")
    }

    @Test(arguments: ["", ".", "1.", ".5", "1.2.3", "-1", "1e3", "1,000", "１", "0.1234567", "1 "])
    func otherTextsAreNotAdded(text: String) {
        var sum = MoneySum()
        let isAdded = sum.add(text)
        #expect(!isAdded)
        #expect(sum.grouped == "0")
    }

    @Test func sumThatBecomesTooLargeIsNotAdded() {
        var sum = MoneySum()
        let isAdded = [
            sum.add(String(repeating: "9", count: 32)), sum.add("1"), sum.add(String(repeating: "9", count: 33)),
            sum.add(String(repeating: "9", count: 300)),
        ]
        #expect(isAdded == [true, true, false, false])
        #expect(sum.grouped.hasPrefix("100,000"))
    }
}
