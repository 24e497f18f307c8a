import RefundCore
import Testing

struct DecimalAmountTests {
    @Test(arguments: [
        ["12.50", "12.5", "012.5", "12.500000000000000000000000000000"], ["1200", "1200.0", "1200.00", "001200"],
        ["0", "0.0", "00", "0.000"], ["0.1", "0.10", "00.1"],
        ["1200", "1.2E+3", "12e2", "120000E-2", "0.0012e6"], ["12.5", "12.5e0", "1.25E+1", "1250e-2"],
        ["0", "0E-8", "0e+5", "-0", "-0.0"], ["-12.5", "-1.25e1"],
        ["79228162514264337593543950336.1", "79228162514264337593543950336.10"],
    ])
    func trailingZerosDecideNothing(same: [String]) {
        #expect(Set(same.map { DecimalAmount($0) }).count == 1)
        #expect(same.allSatisfy { DecimalAmount($0) != nil })
    }

    @Test(arguments: [
        ("12.5", "12.05"), ("1", "10"), ("1", "0.1"), ("0.1", "0.01"), ("100", "1"), ("12.50", "1250"), ("0", "0.001"),
        ("1E+2", "1E+3"), ("1E+2", "1E-2"), ("12.5", "-12.5"),
        ("9007199254740993", "9007199254740992"), ("0.1", "0.1000000000000000000000000000001"),
    ])
    func differentAmountsDiffer(left: String, right: String) {
        #expect(DecimalAmount(left) != nil && DecimalAmount(right) != nil)
        #expect(DecimalAmount(left) != DecimalAmount(right))
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "1.2.3", "1..2", "--1", "-", "+1", "1e", "1e+", "1e+-1", "e3", "1e1.5", "1e3x", " 1", "1 ",
        "1,5", "1_000", "0x10", "NaN",
        "inf",
        "１２", "١٢", "1\u{301}", "12.5O", "1\n", "\0", "1\0", "½", "12.5€",
    ])
    func anythingElseIsNoAmount(text: String) {
        #expect(DecimalAmount(text) == nil)
    }

    @Test(arguments: ["1e101", "1e-101", "1E+999999999", "0e99999999999999999999", "1e-9223372036854775808"])
    func exponentBeyondReasonIsNoAmount(text: String) {
        #expect(DecimalAmount(text) == nil)
        #expect(DecimalAmount.plainText(text) == nil)
    }

    @Test(arguments: [
        ("12.50", "12.50"), ("1200", "1200"), ("012", "012"), ("1.2E+3", "1200"), ("1E+2", "100"), ("12.5e0", "12.5"),
        ("1.20E+1", "12"), ("125e-1", "12.5"), ("125e-3", "0.125"), ("125e-5", "0.00125"), ("0E-8", "0"),
        ("-1.25e1", "-12.5"), ("-0e1", "0"),
    ])
    func exponentsAreWrittenOut(text: String, plain: String) {
        #expect(DecimalAmount.plainText(text) == plain)
        #expect(DecimalAmount(plain) == DecimalAmount(text))
    }

    @Test func partOfATextCanBeRead() {
        #expect(DecimalAmount("12.50 EUR".prefix(5)) == DecimalAmount("12.5"))
    }

    @Test func veryLongAmountIsStillCompared() {
        let long = String(repeating: "9", count: 100_000)
        #expect(DecimalAmount(long + "." + long) == DecimalAmount("0" + long + "." + long + "0"))
        #expect(DecimalAmount(long) != DecimalAmount(long + "9"))
    }
}
