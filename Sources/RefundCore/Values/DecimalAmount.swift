/// An amount of money in major units, compared by value and never turned into floating point.
///
/// The gateway drops trailing zeros (`12.5` for `12.50`), so texts are normalised before they are compared.
package struct DecimalAmount: Hashable, Sendable {
    private let whole: String
    private let fraction: String

    /// Creates an amount from decimal text such as `"1200"` or `"12.50"`.
    ///
    /// - Returns: Nil for anything but digits with an optional point between digits: no sign, no exponent, no blanks.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard parts.allSatisfy({ part in !part.isEmpty && part.allSatisfy(digits.contains) }) else { return nil }
        let zero = UInt8(ascii: "0")
        whole = String(decoding: parts[0].drop { $0 == zero }, as: UTF8.self)
        let tail = parts.count == 2 ? parts[1].reversed().drop { $0 == zero }.reversed() : []
        fraction = String(decoding: tail, as: UTF8.self)
    }
}
