import COpenSSL

/// An `EVP_MD_CTX` of libcrypto that signs or verifies one message with RSASSA-PKCS1-v1_5 and SHA-256.
///
/// Setting one up looks the algorithms up by their names, which is a fifth of the cost of a verification. Each key
/// therefore sets one up and copies it for every message. A context may move between threads but never be used by two
/// at a time; it is `Sendable` because it has one owner, and the one that is copied lives in a `Mutex`.
@safe
struct DigestContext: ~Copyable, @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Creates a context to sign with a private key.
    init(signingWith key: borrowing KeyHandle) throws(KeyError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .lastFailure() }
        guard unsafe EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key.pointer) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            throw .lastFailure()
        }
        unsafe pointer = context
    }

    /// Creates a context to verify with a public key.
    init(verifyingWith key: borrowing KeyHandle) throws(KeyError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .lastFailure() }
        guard unsafe EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key.pointer) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            throw .lastFailure()
        }
        unsafe pointer = context
    }

    /// Creates a copy of a context that has seen no message yet; nil when there is no memory for it.
    init?(copying other: borrowing DigestContext) {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        guard unsafe EVP_MD_CTX_copy_ex(context, other.pointer) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            return nil
        }
        unsafe pointer = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(pointer)
    }

    /// Signs a message, which spends the context.
    ///
    /// - Returns: The signature, or nil when libcrypto failed or it is not `length` bytes long.
    consuming func signature(of message: [UInt8], length: Int) -> [UInt8]? {
        var signature = [UInt8](repeating: 0, count: length)
        var written = length
        guard unsafe EVP_DigestSign(pointer, &signature, &written, message, message.count) == 1 else { return nil }
        return written == length ? signature : nil
    }

    /// Verifies a signature, which spends the context.
    consuming func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        unsafe EVP_DigestVerify(pointer, signature, signature.count, message, message.count) == 1
    }
}
