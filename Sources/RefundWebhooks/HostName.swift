/// A host's name in the one spelling that names are compared in: lower case, without a dot at its end.
struct HostName: Hashable, Sendable, CustomStringConvertible {
    let description: String

    /// Creates a name from ASCII labels of letters, digits, `-` and `_`.
    ///
    /// A name whose last label is a number is refused: `127.1`, `0x7f.1` and `2130706433` are addresses to the
    /// resolver (`inet_aton`), so that they would be read as a name here and as an address there.
    /// Sources: RFC 1123, section 2.1; <https://url.spec.whatwg.org/#ends-in-a-number-checker>.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let name = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...]
        guard name.count <= 253 else { return nil }
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(Self.isLabel), let last = labels.last, !Self.isNumber(last) else { return nil }
        description = String(decoding: name, as: UTF8.self).lowercased()
    }

    private static func isLabel(_ label: ArraySlice<UInt8>) -> Bool {
        (1...63).contains(label.count)
            && label.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default:
                    false
                }
            }
    }

    private static func isNumber(_ label: ArraySlice<UInt8>) -> Bool {
        let text = String(decoding: label, as: UTF8.self).lowercased()
        return text.hasPrefix("0x")
            ? text.dropFirst(2).allSatisfy(\.isHexDigit)
            : text.allSatisfy(\.isNumber)
    }
}
