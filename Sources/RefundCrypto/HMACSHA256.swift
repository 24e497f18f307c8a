import COpenSSL

/// The message authentication code HMAC with SHA-256 (RFC 2104).
package enum HMACSHA256: Sendable {
    /// Computes the code of a message.
    ///
    /// - Parameters:
    ///   - message: The bytes to authenticate.
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
        // No key or message can cause this: only a libcrypto without memory or without SHA-256, which loads no RSA key
        // either. A code made of zeros must not leave the program.
        precondition(unsafe result != nil, "libcrypto cannot compute an HMAC with SHA-256")
        return code
    }
}
