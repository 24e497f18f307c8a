/// A sum of amounts in major units, exact to six decimal places.
package struct MoneySum: Hashable, Sendable {
    private static let places = 6
    private var millionths: Int128 = 0

    /// Creates the sum of nothing.
    package init() {}

    /// Adds an amount such as `"12.50"`.
    ///
    /// - Returns: Whether it was added: false for a text that is not a plain decimal number, has more than six decimal
    ///   places, or would make the sum too large.
    package mutating func add(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? Array(parts[1]) : []
        guard let whole = parts.first, !whole.isEmpty, fraction.count <= Self.places,
            parts.count == 1 || !fraction.isEmpty
        else { return false }
        var value: Int128 = 0
        let zeros = repeatElement(UInt8(ascii: "0"), count: Self.places - fraction.count)
        for byte in Array(whole) + fraction + zeros {
            guard let digit = byte.decimalDigit else { return false }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int128(digit))
            guard !overflow, !carry else { return false }
            value = sum
        }
        let (sum, overflow) = millionths.addingReportingOverflow(value)
        guard !overflow else { return false }
        millionths = sum
        return true
    }

    /// The sum with its thousands separated by commas, such as `1,234.50`; at least two decimal places, if any.
    package var grouped: String {
        let (whole, fraction) = millionths.quotientAndRemainder(dividingBy: 1_000_000)
        guard fraction != 0 else { return whole.grouped }
        var digits = String(String(fraction + 1_000_000).dropFirst())
        while digits.count > 2, digits.last == "0" { digits.removeLast() }
        return "\(whole.grouped).\(digits)"
    }
}
