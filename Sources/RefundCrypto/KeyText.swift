/// Finds the DER bytes of a key in the text of a file.
enum KeyText {
    /// Unwraps one PEM block (RFC 7468) or bare base64.
    ///
    /// The label does not decide what the key is, its bytes do: portals hand out bare base64, and people put the wrong
    /// label around it. Text before the block is allowed, as RFC 7468 has it, and so are blanks anywhere in base64.
    ///
    /// - Parameter text: The bytes of the file, with or without a UTF-8 byte order mark.
    /// - Returns: The bytes, which may be anything still.
    /// - Throws: `KeyError` when there is no such text, more than one block, or a passphrase on it.
    static func der(of text: [UInt8]) throws(KeyError) -> [UInt8] {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = text.starts(with: byteOrderMark) ? text.dropFirst(byteOrderMark.count) : text[...]
        guard content.contains(where: { !isBlank($0) }) else { throw .empty }
        guard let string = String(validating: content, as: UTF8.self) else { throw .notAKey }

        // "before", "BEGIN label", "body", "END label", "after".
        let parts = string.split(separator: "-----", omittingEmptySubsequences: false)
        if parts.count == 1 { return try decoded(string[...]) }
        guard parts.count >= 5, parts[1].hasPrefix("BEGIN ") else { throw .notAKey }
        let label = parts[1].dropFirst("BEGIN ".count)
        // Neither holds a key in DER form, so the bytes would only say "not a key".
        if label == "OPENSSH PRIVATE KEY" { throw .wrongType("OpenSSH") }
        if label == "EC PARAMETERS" { throw .wrongType("EC") }
        guard parts[3] == "END \(label)" else { throw .notAKey }
        guard parts.count == 5, parts[4].utf8.allSatisfy(isBlank) else { throw .trailingData }
        // Headers as of RFC 1421 are only ever written by the old way of encrypting.
        if parts[2].contains("Proc-Type:") && parts[2].contains("ENCRYPTED") { throw .encrypted }
        return try decoded(parts[2])
    }

    private static func decoded(_ text: Substring) throws(KeyError) -> [UInt8] {
        guard let der = Base64.decoded(bytes: text.utf8.filter { !isBlank($0) }) else { throw .notAKey }
        return der
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
