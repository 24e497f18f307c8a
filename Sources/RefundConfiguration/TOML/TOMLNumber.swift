/// The numbers of TOML: more notations than Swift reads, and fewer.
enum TOMLNumber {
    private static let radices = [("0x", 16), ("0o", 8), ("0b", 2)]

    /// The integer or floating-point number that a word stands for, or nil.
    static func value(_ word: String) -> RawValue? {
        let plain = word.filter { $0 != "_" }
        let sign = word.hasPrefix("-") ? -1.0 : 1.0
        switch unsigned(word) {
        case "inf": return .number(sign * .infinity)
        case "nan": return .number(.nan)
        default: break
        }
        if isInteger(word) {
            for (prefix, radix) in radices where word.hasPrefix(prefix) {
                return Int(plain.dropFirst(prefix.count), radix: radix).map(RawValue.integer)
            }
            return Int(plain).map(RawValue.integer)
        }
        return isFloat(word) ? Double(plain).map(RawValue.number) : nil
    }

    /// Whether a word is an integer, of whatever size.
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

    /// Whether a text is a decimal number without leading zeros.
    private static func isWhole(_ text: Substring) -> Bool {
        areDigits(text, radix: 10) && (text == "0" || !text.hasPrefix("0"))
    }

    /// Whether a text is digits, with at most single underscores between them.
    private static func areDigits(_ text: Substring, radix: Int) -> Bool {
        text.split(separator: "_", omittingEmptySubsequences: false).allSatisfy { run in
            !run.isEmpty
                && run.utf8.allSatisfy { byte in
                    Character(Unicode.Scalar(byte)).hexDigitValue.map { $0 < radix } ?? false
                }
        }
    }
}
