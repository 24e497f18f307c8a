import RefundCore
import Testing

struct DecimalAmountTests {
    @Test(arguments: [
        ["12.50", "12.5", "012.5", "12.500000000000000000000000000000"], ["1200", "1200.0", "1200.00", "001200"],
        ["0", "0.0", "00", "0.000"], ["0.1", "0.10", "00.1"],
        ["79228162514264337593543950336.1", "79228162514264337593543950336.10"],
    ])
    func trailingZerosDecideNothing(same: [String]) {
        #expect(Set(same.map { DecimalAmount($0) }).count == 1)
        #expect(same.allSatisfy { DecimalAmount($0) != nil })
    }

    @Test(arguments: [
        ("12.5", "12.05"), ("1", "10"), ("1", "0.1"), ("0.1", "0.01"), ("100", "1"), ("12.50", "1250"), ("0", "0.001"),
        ("9007199254740993", "9007199254740992"), ("0.1", "0.1000000000000000000000000000001"),
    ])
    func differentAmountsDiffer(left: String, right: String) {
        #expect(DecimalAmount(left) != nil && DecimalAmount(right) != nil)
        #expect(DecimalAmount(left) != DecimalAmount(right))
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.2.3", "1..2", "-1", "+1", "1e3", "1E3", " 1", "1 ", "1,5", "1_000", "0x10", "NaN",
        "inf",
        "１２", "١٢", "1\u{301}", "12.5O", "1\n", "\0", "1\0", "½", "12.5€",
    ])
    func anythingElseIsNoAmount(text: String) {
        #expect(DecimalAmount(text) == nil)
    }

    @Test func aPartOfATextCanBeRead() {
        #expect(DecimalAmount("12.50 EUR".prefix(5)) == DecimalAmount("12.5"))
    }

    @Test func aVeryLongAmountIsStillCompared() {
        let long = String(repeating: "9", count: 100_000)
        #expect(DecimalAmount(long + "." + long) == DecimalAmount("0" + long + "." + long + "0"))
        #expect(DecimalAmount(long) != DecimalAmount(long + "9"))
    }
}
