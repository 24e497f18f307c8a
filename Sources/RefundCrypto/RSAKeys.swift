import COpenSSL
import Synchronization

/// An RSA private key of at least 2048 bits, which signs queries.
package final class RSAPrivateKey: Sendable {
    private let key: KeyHandle
    private let signing: Mutex<DigestContext>

    /// Reads a key file.
    ///
    /// It contains PEM with PKCS#8 or PKCS#1 inside, or the base64 text of either in DER form, with or without line
    /// breaks, as merchants' portals provide it. Surrounding blanks are ignored.
    ///
    /// - Parameter text: The content of the file.
    /// - Throws: `KeyError` if it is not such a key.
    package convenience init(text: [UInt8]) throws(KeyError) {
        try self.init(key: KeyReader.privateKey(in: text))
    }

    private init(key: consuming KeyHandle) throws(KeyError) {
        signing = Mutex(try DigestContext(signingWith: key))
        self.key = key
    }

    /// Generates a key.
    ///
    /// - Parameter bits: The length of the modulus in bits, at least 2048.
    /// - Returns: The key.
    /// - Throws: `KeyError` if the length is too short or libcrypto has no randomness.
    package static func generate(bits: Int = 2048) throws(KeyError) -> RSAPrivateKey {
        guard bits >= KeyError.minimumBits else { throw .tooShort(bits: bits) }
        guard let pointer = unsafe copenssl_generate_rsa(bits) else { throw .lastFailure() }
        return try RSAPrivateKey(key: unsafe KeyHandle(owning: pointer))
    }

    /// Signs a message with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 8017, section 8.2).
    ///
    /// Signatures are deterministic. A call takes about half a millisecond of CPU time, too long for the cooperative pool.
    ///
    /// - Parameter message: The bytes to sign.
    /// - Returns: The signature, as long as the modulus.
    /// - Throws: `KeyError.cryptoFailure` if libcrypto fails.
    package func signature(of message: [UInt8]) throws(KeyError) -> [UInt8] {
        guard let context = signing.withLock({ try? DigestContext(copying: $0) }),
            let signature = context.signature(of: message, length: key.signatureLength)
        else { throw .lastFailure() }
        return signature
    }

    /// The key as PKCS#8 in PEM.
    ///
    /// - Throws: `KeyError.cryptoFailure` if libcrypto fails.
    package var pem: String {
        get throws(KeyError) {
            try unsafe key.pem { unsafe PEM_write_bio_PKCS8PrivateKey($0, $1, nil, nil, 0, nil, nil) }
        }
    }

    /// The public key.
    ///
    /// - Throws: `KeyError.cryptoFailure` if libcrypto fails.
    package var publicKey: RSAPublicKey {
        get throws(KeyError) { try RSAPublicKey(subjectPublicKeyInfo: key.subjectPublicKeyInfo()) }
    }
}

/// An RSA public key of at least 2048 bits, which verifies the gateway's signatures.
package final class RSAPublicKey: Sendable {
    private let key: KeyHandle
    private let verifying: Mutex<DigestContext>

    /// The SHA-256 hash of the key as SubjectPublicKeyInfo in DER form, in lower-case hexadecimal digits.
    package let fingerprint: String

    /// Reads a key file.
    ///
    /// It contains PEM with SubjectPublicKeyInfo or PKCS#1 inside, or the base64 text of either in DER form, with or
    /// without line breaks. Surrounding blanks are ignored.
    ///
    /// - Parameter text: The content of the file.
    /// - Throws: `KeyError` if it is not such a key.
    package convenience init(text: [UInt8]) throws(KeyError) {
        try self.init(key: KeyReader.publicKey(in: text))
    }

    /// Reads DER written by libcrypto.
    convenience init(subjectPublicKeyInfo der: [UInt8]) throws(KeyError) {
        guard let key = try unsafe KeyHandle(der: der, read: { unsafe d2i_PUBKEY(nil, $0, $1) }) else {
            throw .lastFailure()
        }
        try self.init(key: key)
    }

    private init(key: consuming KeyHandle) throws(KeyError) {
        fingerprint = try SHA256.hexadecimal(of: key.subjectPublicKeyInfo())
        verifying = Mutex(try DigestContext(verifyingWith: key))
        self.key = key
    }

    /// Verifies a signature (RSASSA-PKCS1-v1_5 with SHA-256).
    ///
    /// - Parameters:
    ///   - signature: The signature.
    ///   - message: The signed bytes.
    /// - Returns: True only for a valid signature; any failure counts as an invalid one.
    package func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        if let context = verifying.withLock({ try? DigestContext(copying: $0) }),
            context.isValid(signature: signature, for: message)
        {
            return true
        }
        // TLS on the same thread would take errors left in the queue for its own.
        ERR_clear_error()
        return false
    }

    /// The key as SubjectPublicKeyInfo in PEM.
    ///
    /// - Throws: `KeyError.cryptoFailure` if libcrypto fails.
    package var pem: String {
        get throws(KeyError) { try unsafe key.pem { unsafe PEM_write_bio_PUBKEY($0, $1) } }
    }
}
