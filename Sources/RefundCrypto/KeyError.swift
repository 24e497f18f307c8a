/// The reason why a key cannot be used, as one sentence that says what to change.
///
/// No case ever carries key material, so that every one may be logged.
package enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text holds nothing but blanks.
    case empty
    /// The text is neither PEM nor base64 of a key.
    case notAKey
    /// Something stands after the key.
    case trailingData
    /// The private key is protected by a passphrase.
    case encrypted
    /// The key is of another type than RSA, such as "EC".
    case wrongType(String)
    /// The key has fewer than 2048 bits.
    case tooShort(bits: Int)
    /// The numbers of the key do not belong together.
    case damaged
    /// A public key stands where a private one belongs.
    case publicWherePrivate
    /// A private key stands where a public one belongs.
    case privateWherePublic
    /// A certificate, or the request for one, stands where a key belongs.
    case certificate
    /// The library refused an operation for the reason given.
    case cryptoFailure(String)

    /// One sentence that says what is wrong and what to change.
    package var description: String {
        switch self {
        case .empty:
            "There is no key in the text; put the key there as PEM or as base64."
        case .notAKey:
            """
            The text is not a key that can be read; it must be one whole PEM block, or the base64 text of the key in \
            DER form.
            """
        case .trailingData:
            "There is something after the key; leave exactly one key there, with nothing behind it."
        case .encrypted:
            "The private key is encrypted; store it without a passphrase, as \"openssl pkey -in OLD -out NEW\" does."
        case .wrongType(let type):
            "The key is of type \(type); put an RSA key of at least \(RSAKeyRules.minimumBits) bits there."
        case .tooShort(let bits):
            "The RSA key has \(bits) bits; replace it by one of at least \(RSAKeyRules.minimumBits) bits."
        case .damaged:
            "The numbers of the RSA key do not belong together; copy it again, whole, from where it was made."
        case .publicWherePrivate:
            "This is a public key; put the private key there instead."
        case .privateWherePublic:
            "This is a private key; put the public key there instead, and keep the private one to its owner."
        case .certificate:
            "This is a certificate or a request for one; put the key there instead."
        case .cryptoFailure(let reason):
            "OpenSSL could not do it (\(reason)); check the library's installation and configuration."
        }
    }
}

/// What every RSA key has to satisfy.
enum RSAKeyRules {
    /// The length that the gateway's documentation asks for: <https://developer.n-age.co.jp/docs/ja/public/Sign>.
    static let minimumBits = 2048
}
