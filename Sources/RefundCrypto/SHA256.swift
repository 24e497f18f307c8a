import COpenSSL

/// The hash function SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// Hashes bytes and writes the hash as 64 lower-case hexadecimal digits.
    ///
    /// - Throws: `KeyError.cryptoFailure` when libcrypto fails.
    package static func hexadecimal(of bytes: [UInt8]) throws(KeyError) -> String {
        var hash = [UInt8](repeating: 0, count: 32)
        guard unsafe EVP_Digest(bytes, bytes.count, &hash, nil, EVP_sha256(), nil) == 1 else { throw .lastFailure() }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: hash.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
