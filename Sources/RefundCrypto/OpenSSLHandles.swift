import COpenSSL

/// An owned `EVP_PKEY` of libcrypto.
///
/// Unchecked `Sendable`: threads may share a loaded key, because libcrypto only reads it and locks its own caches
/// (<https://docs.openssl.org/3.0/man7/openssl-threads/>).
@safe
struct KeyHandle: ~Copyable, @unchecked Sendable {
    /// The key, valid as long as this value lives.
    let pointer: OpaquePointer

    /// Takes ownership of a key.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    /// Reads a key with one of libcrypto's `d2i` functions; nil if it cannot read the bytes.
    ///
    /// - Throws: `KeyError.trailingData` if something follows the key.
    init?(
        der: [UInt8],
        read: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
    ) throws(KeyError) {
        var used = 0
        let key = unsafe der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var position = bytes.baseAddress
            let key = unsafe read(&position, bytes.count)
            if let start = bytes.baseAddress, let end = unsafe position { used = unsafe end - start }
            return unsafe key
        }
        guard let key = unsafe key else { return nil }
        guard used == der.count else {
            unsafe EVP_PKEY_free(key)
            throw .trailingData
        }
        unsafe pointer = key
    }

    deinit {
        unsafe EVP_PKEY_free(pointer)
    }

    /// libcrypto's name for the type of the key, such as "RSA" or "EC".
    var typeName: String {
        guard let name = unsafe EVP_PKEY_get0_type_name(pointer) else { return "unknown" }
        return unsafe String(cString: name)
    }

    /// The length of the modulus in bits.
    var bits: Int {
        Int(unsafe EVP_PKEY_get_bits(pointer))
    }

    /// The length of a signature in bytes.
    var signatureLength: Int {
        Int(unsafe EVP_PKEY_get_size(pointer))
    }

    /// The public half as SubjectPublicKeyInfo (RFC 5280) in DER form.
    func subjectPublicKeyInfo() throws(KeyError) -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let count = unsafe i2d_PUBKEY(pointer, &start)
        guard count > 0, let start = unsafe start else { throw .lastFailure() }
        defer { unsafe copenssl_free(start) }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    /// Writes the key as PEM with one of libcrypto's functions.
    func pem(write: (_ bio: OpaquePointer, _ key: OpaquePointer) -> Int32) throws(KeyError) -> String {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw .lastFailure() }
        defer { unsafe BIO_free(bio) }
        guard unsafe write(bio, pointer) == 1 else { throw .lastFailure() }
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe copenssl_memory_data(bio, &start)
        return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    }
}

/// An `EVP_MD_CTX` of libcrypto that signs or verifies one message with RSASSA-PKCS1-v1_5 and SHA-256.
///
/// Setting up a context looks up the algorithms by name, which takes a fifth of a verification's time. Each key therefore
/// sets up one and copies it for every message. Unchecked `Sendable`: a context may move between threads but not be used
/// by two at once; each has one owner, and the copied one lives in a `Mutex`.
@safe
struct DigestContext: ~Copyable, @unchecked Sendable {
    private let pointer: OpaquePointer

    /// Creates a context that signs with a private key.
    init(signingWith key: borrowing KeyHandle) throws(KeyError) {
        let key = unsafe key.pointer
        try unsafe self.init { unsafe EVP_DigestSignInit($0, nil, EVP_sha256(), nil, key) }
    }

    /// Creates a context that verifies with a public key.
    init(verifyingWith key: borrowing KeyHandle) throws(KeyError) {
        let key = unsafe key.pointer
        try unsafe self.init { unsafe EVP_DigestVerifyInit($0, nil, EVP_sha256(), nil, key) }
    }

    /// Copies a context that has not processed a message.
    init(copying other: borrowing DigestContext) throws(KeyError) {
        let other = unsafe other.pointer
        try unsafe self.init { unsafe EVP_MD_CTX_copy_ex($0, other) }
    }

    private init(_ setUp: (OpaquePointer) -> Int32) throws(KeyError) {
        guard let context = unsafe EVP_MD_CTX_new() else { throw .lastFailure() }
        guard unsafe setUp(context) == 1 else {
            unsafe EVP_MD_CTX_free(context)
            throw .lastFailure()
        }
        unsafe pointer = context
    }

    deinit {
        unsafe EVP_MD_CTX_free(pointer)
    }

    /// Signs a message and consumes the context.
    ///
    /// - Returns: The signature, or nil if libcrypto fails or the signature is not `length` bytes long.
    consuming func signature(of message: [UInt8], length: Int) -> [UInt8]? {
        var signature = [UInt8](repeating: 0, count: length)
        var written = length
        guard unsafe EVP_DigestSign(pointer, &signature, &written, message, message.count) == 1 else { return nil }
        return written == length ? signature : nil
    }

    /// Verifies a signature and consumes the context.
    consuming func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        unsafe EVP_DigestVerify(pointer, signature, signature.count, message, message.count) == 1
    }
}
