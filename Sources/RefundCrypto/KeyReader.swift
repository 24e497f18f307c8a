import COpenSSL

/// Reads keys in any of the accepted containers, and explains why anything else is refused.
enum KeyReader {
    /// Reads an RSA private key: PKCS#8 or PKCS#1.
    ///
    /// - Throws: `KeyError` that says what the text is instead.
    static func privateKey(in text: [UInt8]) throws(KeyError) -> KeyHandle {
        // Each failed attempt leaves errors, even if a later one succeeds.
        defer { ERR_clear_error() }
        let der = try KeyText.der(of: text)
        guard let key = try privateKey(der: der) else {
            throw try publicKey(der: der) == nil ? refusal(of: der) : .publicWherePrivate
        }
        return try unsafe checked(key) { unsafe EVP_PKEY_pairwise_check($0) }
    }

    /// Reads an RSA public key: SubjectPublicKeyInfo or PKCS#1.
    ///
    /// - Throws: `KeyError` that says what the text is instead.
    static func publicKey(in text: [UInt8]) throws(KeyError) -> KeyHandle {
        defer { ERR_clear_error() }
        let der = try KeyText.der(of: text)
        guard let key = try publicKey(der: der) else {
            throw try privateKey(der: der) == nil ? refusal(of: der) : .privateWherePublic
        }
        return try unsafe checked(key) { unsafe EVP_PKEY_public_check($0) }
    }

    private static func privateKey(der: [UInt8]) throws(KeyError) -> KeyHandle? {
        try unsafe KeyHandle(der: der) { unsafe d2i_AutoPrivateKey(nil, $0, $1) }
    }

    private static func publicKey(der: [UInt8]) throws(KeyError) -> KeyHandle? {
        if let key = try unsafe KeyHandle(der: der, read: { unsafe d2i_PUBKEY(nil, $0, $1) }) { return key }
        return try unsafe KeyHandle(der: der) { unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, $0, $1) }
    }

    /// Says what the bytes are instead of a key.
    private static func refusal(of der: [UInt8]) -> KeyError {
        unsafe der.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            if let certificate = unsafe d2i_X509(nil, &position, bytes.count) {
                unsafe X509_free(certificate)
                return .certificate
            }
            unsafe position = bytes.baseAddress
            if let request = unsafe d2i_X509_REQ(nil, &position, bytes.count) {
                unsafe X509_REQ_free(request)
                return .certificate
            }
            // EncryptedPrivateKeyInfo of PKCS#8 (RFC 5958) has the structure that OpenSSL calls X509_SIG.
            unsafe position = bytes.baseAddress
            if let encrypted = unsafe d2i_X509_SIG(nil, &position, bytes.count) {
                unsafe X509_SIG_free(encrypted)
                return .encrypted
            }
            return .notAKey
        }
    }

    /// Refuses keys that are not RSA, too short, or damaged.
    ///
    /// The numbers are tested, too (about 30 ms for a private key, 5 ms for a public one): otherwise a key that lost a
    /// character in transit would only show in the gateway's refusals, or in responses that do not verify.
    private static func checked(
        _ key: consuming KeyHandle,
        by check: (OpaquePointer) -> Int32
    ) throws(KeyError) -> KeyHandle {
        let type = key.typeName
        guard type == "RSA" else { throw .wrongType(type) }
        let bits = key.bits
        guard bits >= KeyError.minimumBits else { throw .tooShort(bits: bits) }
        guard let context = unsafe EVP_PKEY_CTX_new(key.pointer, nil) else { throw .lastFailure() }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe check(context) == 1 else { throw .damaged }
        return key
    }
}

/// Finds the DER bytes of a key in the text of a file.
enum KeyText {
    /// Decodes one PEM block (RFC 7468) or bare base64.
    ///
    /// The bytes decide what the key is, not the label: portals provide bare base64, and operators add the wrong label.
    /// Text before the block is allowed, as in RFC 7468, and so are blanks anywhere in the base64. Line breaks may be
    /// written as a backslash and an "n", as in keys copied from JSON or an environment variable.
    ///
    /// - Parameter text: The bytes of the file, with or without a UTF-8 byte order mark.
    /// - Returns: The decoded bytes, of whatever kind.
    /// - Throws: `KeyError` if there is no such text, more than one block, or a passphrase.
    static func der(of text: [UInt8]) throws(KeyError) -> [UInt8] {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let content = text.starts(with: byteOrderMark) ? text.dropFirst(byteOrderMark.count) : text[...]
        guard content.contains(where: { !isBlank($0) }) else { throw .empty }
        guard let string = String(validating: content, as: UTF8.self)?.replacing("\\n", with: "\n") else {
            throw .notAKey
        }

        // "before", "BEGIN label", "body", "END label", "after".
        let parts = string.split(separator: "-----", omittingEmptySubsequences: false)
        if parts.count == 1 { return try decoded(string[...]) }
        guard parts.count >= 5, parts[1].hasPrefix("BEGIN ") else { throw .notAKey }
        let label = parts[1].dropFirst("BEGIN ".count)
        // Neither contains a key in DER form, so the bytes would only be "not a key".
        if label == "OPENSSH PRIVATE KEY" { throw .wrongType("OpenSSH") }
        if label == "EC PARAMETERS" { throw .wrongType("EC") }
        guard parts[3] == "END \(label)" else { throw .notAKey }
        guard parts.count == 5, parts[4].utf8.allSatisfy(isBlank) else { throw .trailingData }
        // Only the legacy encryption writes headers as in RFC 1421.
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
