import COpenSSL
import Synchronization

/// An RSA private key of at least 2048 bits that signs messages for the gateway.
///
/// Threads may share one key.
package final class RSAPrivateKey: Sendable {
    private let key: KeyHandle
    private let signing: Mutex<DigestContext>

    /// Creates a key from the text of a file.
    ///
    /// Accepted are PEM with PKCS#8 or PKCS#1 inside, and the base64 text of either in DER form, on one line or more,
    /// as merchants' portals hand it out. Blanks around it do not matter.
    ///
    /// - Parameter text: The content of the file.
    /// - Throws: `KeyError` with what to change.
    package convenience init(text: [UInt8]) throws(KeyError) {
        try self.init(key: KeyReader.privateKey(in: text))
    }

    private init(key: consuming KeyHandle) throws(KeyError) {
        signing = Mutex(try DigestContext(signingWith: key))
        self.key = key
    }

    /// Makes a new key.
    ///
    /// - Parameter bits: The length of the modulus in bits, at least 2048.
    /// - Returns: The key.
    /// - Throws: `KeyError` when the length is too short or libcrypto has no randomness.
    package static func generate(bits: Int = 2048) throws(KeyError) -> RSAPrivateKey {
        guard bits >= RSAKeyRules.minimumBits else { throw .tooShort(bits: bits) }
        guard let pointer = unsafe copenssl_generate_rsa(bits) else { throw .lastFailure() }
        return try RSAPrivateKey(key: unsafe KeyHandle(owning: pointer))
    }

    /// Signs a message with RSASSA-PKCS1-v1_5 and SHA-256 (RFC 8017, section 8.2).
    ///
    /// The same message always gives the same signature. A call keeps its thread busy for about half a millisecond,
    /// so it belongs on a thread of one's own rather than on the cooperative pool.
    ///
    /// - Parameter message: The bytes to sign.
    /// - Returns: The signature, as long as the modulus.
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package func signature(of message: [UInt8]) throws(KeyError) -> [UInt8] {
        guard let context = signing.withLock({ DigestContext(copying: $0) }),
            let signature = context.signature(of: message, length: key.signatureLength)
        else { throw .lastFailure() }
        return signature
    }

    /// The key as PEM with PKCS#8 inside.
    ///
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package var pem: String {
        get throws(KeyError) {
            try unsafe key.pem { unsafe PEM_write_bio_PKCS8PrivateKey($0, $1, nil, nil, 0, nil, nil) }
        }
    }

    /// The public half.
    ///
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package var publicKey: RSAPublicKey {
        get throws(KeyError) { try RSAPublicKey(subjectPublicKeyInfo: key.subjectPublicKeyInfo()) }
    }
}
