import COpenSSL

/// An `EVP_PKEY` of libcrypto that is owned, and freed, here.
///
/// Threads may share it: a loaded key is only read, and libcrypto guards what it keeps beside it
/// (<https://docs.openssl.org/3.0/man7/openssl-threads/>). That is why it may be `Sendable`.
@safe
struct KeyHandle: ~Copyable, @unchecked Sendable {
    /// The key, alive as long as this value.
    let pointer: OpaquePointer

    /// Takes over a key that nobody else frees.
    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = pointer
    }

    /// Reads a key with one of libcrypto's `d2i` functions; nil when it cannot read the bytes.
    ///
    /// - Throws: `KeyError.trailingData` when something stands after the key.
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

    /// The type of the key in libcrypto's words, such as "RSA" or "EC".
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
