import FoundationEssentials

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
package enum Base64: Sendable {
    /// Encodes bytes on one line.
    package static func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
    }

    /// Decodes text strictly: each value has exactly one accepted spelling.
    ///
    /// - Parameter text: Digits of the standard alphabet with correct padding, and nothing else.
    /// - Returns: The bytes, or nil for line breaks, blanks, the URL-safe alphabet, missing or wrong padding, and bits
    ///   set after the last byte.
    package static func decoded(_ text: some StringProtocol) -> [UInt8]? {
        decoded(bytes: Array(text.utf8))
    }

    /// Decodes the bytes of a text strictly.
    static func decoded(bytes: [UInt8]) -> [UInt8]? {
        let text = Data(bytes)
        // Foundation accepts some other spellings, which the comparison refuses.
        guard let data = Data(base64Encoded: text), data.base64EncodedData() == text else { return nil }
        return Array(data)
    }
}
