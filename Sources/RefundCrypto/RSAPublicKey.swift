import COpenSSL
import Synchronization

/// An RSA public key of at least 2048 bits that verifies what the gateway signed.
///
/// Threads may share one key.
package final class RSAPublicKey: Sendable {
    private let key: KeyHandle
    private let verifying: Mutex<DigestContext>

    /// The SHA-256 of the key as SubjectPublicKeyInfo in DER form, in lower-case hexadecimal digits.
    package let fingerprint: String

    /// Creates a key from the text of a file.
    ///
    /// Accepted are PEM with SubjectPublicKeyInfo or PKCS#1 inside, and the base64 text of either in DER form, on one
    /// line or more. Blanks around it do not matter.
    ///
    /// - Parameter text: The content of the file.
    /// - Throws: `KeyError` with what to change.
    package convenience init(text: [UInt8]) throws(KeyError) {
        try self.init(key: KeyReader.publicKey(in: text))
    }

    /// Creates a key from DER that libcrypto wrote itself.
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

    /// Tells whether a signature (RSASSA-PKCS1-v1_5 with SHA-256) was made over a message by the private half.
    ///
    /// - Parameters:
    ///   - signature: The bytes of the signature.
    ///   - message: The bytes that were signed.
    /// - Returns: True only for a valid signature; whatever goes wrong counts as an invalid one.
    package func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        if let context = verifying.withLock({ DigestContext(copying: $0) }),
            context.isValid(signature: signature, for: message)
        {
            return true
        }
        // TLS on the same thread would take what is left in the queue of errors for its own.
        ERR_clear_error()
        return false
    }

    /// The key as PEM with SubjectPublicKeyInfo inside.
    ///
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package var pem: String {
        get throws(KeyError) { try unsafe key.pem { unsafe PEM_write_bio_PUBKEY($0, $1) } }
    }
}
