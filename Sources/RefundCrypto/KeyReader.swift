import COpenSSL

/// Reads keys in any of the accepted containers and refuses everything else with its reason.
enum KeyReader {
    /// Reads an RSA private key: PKCS#8 or PKCS#1.
    ///
    /// - Throws: `KeyError` with what stands there instead.
    static func privateKey(in text: [UInt8]) throws(KeyError) -> KeyHandle {
        // Each attempt that fails leaves its errors, also where a later one succeeds.
        defer { ERR_clear_error() }
        let der = try KeyText.der(of: text)
        guard let key = try privateKey(der: der) else {
            throw try publicKey(der: der) == nil ? refusal(of: der) : .publicWherePrivate
        }
        return try unsafe checked(key) { unsafe EVP_PKEY_pairwise_check($0) }
    }

    /// Reads an RSA public key: SubjectPublicKeyInfo or PKCS#1.
    ///
    /// - Throws: `KeyError` with what stands there instead.
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

    /// Says what the bytes are when they are not a key.
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
            // EncryptedPrivateKeyInfo of PKCS#8 (RFC 5958) has the shape that OpenSSL calls X509_SIG.
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
    /// The numbers are tested too (some 30 ms for a private key, 5 ms for a public one): a key that lost a character
    /// on its way would otherwise be noticed by the gateway's refusals, or by no answer verifying.
    private static func checked(
        _ key: consuming KeyHandle,
        by check: (OpaquePointer) -> Int32
    ) throws(KeyError) -> KeyHandle {
        let type = key.typeName
        guard type == "RSA" else { throw .wrongType(type) }
        let bits = key.bits
        guard bits >= RSAKeyRules.minimumBits else { throw .tooShort(bits: bits) }
        guard let context = unsafe EVP_PKEY_CTX_new(key.pointer, nil) else { throw .lastFailure() }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        guard unsafe check(context) == 1 else { throw .damaged }
        return key
    }
}
