import COpenSSL

/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
package enum Base64: Sendable {
    /// Encodes bytes on one line.
    package static func encoded(_ bytes: [UInt8]) -> String {
        String(decoding: encodedBytes(bytes), as: UTF8.self)
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
    static func decoded(bytes text: [UInt8]) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3)
        guard unsafe EVP_DecodeBlock(&bytes, text, Int32(text.count)) == bytes.count else { return nil }
        bytes.removeLast(min(text.suffix(2).count { $0 == UInt8(ascii: "=") }, bytes.count))
        // libcrypto accepts some other spellings, which the comparison refuses.
        return encodedBytes(bytes) == text ? bytes : nil
    }

    private static func encodedBytes(_ bytes: [UInt8]) -> [UInt8] {
        // libcrypto ends the text with a NUL.
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        unsafe EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        text.removeLast()
        return text
    }
}
