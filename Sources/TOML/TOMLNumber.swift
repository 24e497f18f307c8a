/// Reads the numbers of TOML, whose notation differs from Swift's.
enum TOMLNumber {
    private static let radices = [("0x", 16), ("0o", 8), ("0b", 2)]

    /// Returns a word's value as an integer or float; nil if it is neither, or an integer beyond 64 bits.
    static func value(_ word: String) -> TOMLValue? {
        let plain = word.filter { $0 != "_" }
        let sign = word.hasPrefix("-") ? -1.0 : 1.0
        switch unsigned(word) {
        case "inf": return .float(sign * .infinity)
        case "nan": return .float(.nan)
        default: break
        }
        if isInteger(word) {
            for (prefix, radix) in radices where word.hasPrefix(prefix) {
                return Int(plain.dropFirst(prefix.count), radix: radix).map(TOMLValue.integer)
            }
            return Int(plain).map(TOMLValue.integer)
        }
        return isFloat(word) ? Double(plain).map(TOMLValue.float) : nil
    }

    /// Returns whether a word is an integer of any size.
    static func isInteger(_ word: String) -> Bool {
        for (prefix, radix) in radices where word.hasPrefix(prefix) {
            return areDigits(word.dropFirst(prefix.count), radix: radix)
        }
        return isWhole(unsigned(word))
    }

    private static func isFloat(_ word: String) -> Bool {
        let parts = unsigned(word).split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        if parts.count == 2, !areDigits(unsigned(String(parts[1])), radix: 10) { return false }
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return mantissa.count <= 2 && isWhole(mantissa[0])
            && mantissa.dropFirst().allSatisfy { areDigits($0, radix: 10) }
    }

    private static func unsigned(_ word: String) -> Substring {
        word.hasPrefix("+") || word.hasPrefix("-") ? word.dropFirst() : word[...]
    }

    /// Returns whether a text is a decimal integer without leading zeros.
    private static func isWhole(_ text: Substring) -> Bool {
        areDigits(text, radix: 10) && (text == "0" || !text.hasPrefix("0"))
    }

    /// Returns whether a text consists of digits, with at most single underscores between them.
    private static func areDigits(_ text: Substring, radix: Int) -> Bool {
        text.split(separator: "_", omittingEmptySubsequences: false).allSatisfy { run in
            !run.isEmpty
                && run.utf8.allSatisfy { byte in
                    Character(Unicode.Scalar(byte)).hexDigitValue.map { $0 < radix } ?? false
                }
        }
    }
}
