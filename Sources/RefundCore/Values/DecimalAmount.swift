/// An amount of money in major units, compared by value and never converted to floating point.
///
/// Gateways drop trailing zeros (`12.5` for `12.50`) and write exponents (`1.2E+3`, as Java's `BigDecimal` does).
package struct DecimalAmount: Hashable, Sendable {
    // Far beyond any real amount, and small enough that writing the zeros out costs nothing.
    private static let exponents = -100...100

    private let isNegative: Bool
    private let whole: [UInt8]
    private let fraction: [UInt8]

    /// Reads an amount such as `"1200"`, `"12.50"` or `"1.25E+1"`.
    ///
    /// - Returns: Nil unless the text is a JSON number, leading zeros aside, with an exponent from -100 to 100.
    package init?(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        let hasSign = rest.first == UInt8(ascii: "-")
        if hasSign { rest.removeFirst() }
        var digits = rest.leadingDigits
        rest = rest.dropFirst(digits.count)
        guard !digits.isEmpty else { return nil }
        var point = digits.count
        if rest.first == UInt8(ascii: ".") {
            let tail = rest.dropFirst().leadingDigits
            guard !tail.isEmpty else { return nil }
            rest = rest.dropFirst(tail.count + 1)
            digits += tail
        }
        if let letter = rest.first {
            guard letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E"),
                let exponent = Int(String(decoding: rest.dropFirst(), as: UTF8.self)), Self.exponents.contains(exponent)
            else { return nil }
            point += exponent
        }
        let zero = UInt8(ascii: "0")
        if point < 0 { digits = ArraySlice(repeatElement(zero, count: -point)) + digits }
        if point > digits.count { digits += repeatElement(zero, count: point - digits.count) }
        whole = Array(digits.prefix(max(point, 0)).drop { $0 == zero })
        fraction = digits.dropFirst(max(point, 0)).reversed().drop { $0 == zero }.reversed()
        isNegative = hasSign && !(whole.isEmpty && fraction.isEmpty)
    }

    /// An amount as rows and events carry it: decimal text without an exponent.
    ///
    /// - Parameter text: The amount as a gateway writes it.
    /// - Returns: The text itself if it has no exponent, otherwise the amount written out; nil if it is not an
    ///   amount.
    package static func plainText(_ text: String) -> String? {
        guard let amount = DecimalAmount(text) else { return nil }
        let hasExponent = text.utf8.contains { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        return hasExponent ? amount.text : text
    }

    private var text: String {
        let point = fraction.isEmpty ? [] : [UInt8(ascii: ".")]
        let digits = (whole.isEmpty ? [UInt8(ascii: "0")] : whole) + point + fraction
        return (isNegative ? "-" : "") + String(decoding: digits, as: UTF8.self)
    }
}

extension ArraySlice<UInt8> {
    fileprivate var leadingDigits: ArraySlice<UInt8> {
        prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
