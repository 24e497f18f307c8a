import COpenSSL

/// HMAC with SHA-256 (RFC 2104).
package enum HMACSHA256: Sendable {
    /// Computes the code of a message.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - key: The secret, of any length.
    /// - Returns: The code, 32 bytes.
    package static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        let result = unsafe EVP_Q_mac(
            nil,
            "HMAC",
            nil,
            "SHA256",
            nil,
            key,
            key.count,
            message,
            message.count,
            &code,
            code.count,
            nil
        )
        // No key or message causes this, only a libcrypto without memory or SHA-256, which could not load RSA keys
        // either. A code of zeros must never be sent.
        precondition(unsafe result != nil, "libcrypto cannot compute HMAC-SHA-256")
        return code
    }
}

/// The hash function SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// Returns the hash of bytes as 64 lower-case hexadecimal digits.
    ///
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package static func hexadecimal(of bytes: [UInt8]) throws(KeyError) -> String {
        var hash = [UInt8](repeating: 0, count: 32)
        guard unsafe EVP_Digest(bytes, bytes.count, &hash, nil, EVP_sha256(), nil) == 1 else { throw .lastFailure() }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
