import COpenSSL

/// Why a key cannot be used.
///
/// No case carries key material, so every error may be logged.
package enum KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The text is blank.
    case empty
    /// The text is neither PEM nor the base64 text of a key.
    case notAKey
    /// Something follows the key.
    case trailingData
    /// The private key is protected by a passphrase.
    case encrypted
    /// The key is not an RSA key; its type, such as "EC".
    case wrongType(String)
    /// The key has fewer than 2048 bits.
    case tooShort(bits: Int)
    /// The numbers of the key do not match.
    case damaged
    /// A public key instead of a private one.
    case publicWherePrivate
    /// A private key instead of a public one.
    case privateWherePublic
    /// A certificate, or a certificate request, instead of a key.
    case certificate
    /// libcrypto failed; its reason.
    case cryptoFailure(String)

    /// What is wrong and how to fix it.
    package var description: String {
        switch self {
        case .empty:
            "The file is empty; it must contain the key as PEM or as base64."
        case .notAKey:
            """
            The file does not contain a readable key; it must be one complete PEM block, or the base64 text of the key \
            in DER form.
            """
        case .trailingData:
            "Something follows the key; leave exactly one key in the file."
        case .encrypted:
            "The private key is encrypted; remove the passphrase with \"openssl pkey -in OLD -out NEW\"."
        case .wrongType(let type):
            "The key is of type \(type); an RSA key of at least \(Self.minimumBits) bits is required."
        case .tooShort(let bits):
            "The RSA key has \(bits) bits; at least \(Self.minimumBits) are required."
        case .damaged:
            "The RSA key is damaged; copy the complete key again."
        case .publicWherePrivate:
            "This is a public key; a private key is required."
        case .privateWherePublic:
            "This is a private key; a public key is required. Keep the private key with its owner."
        case .certificate:
            "This is a certificate or a certificate request; a key is required."
        case .cryptoFailure(let reason):
            "OpenSSL failed (\(reason)); check its installation and configuration."
        }
    }
}

extension KeyError {
    /// The length that the gateway's documentation requires: <https://developer.n-age.co.jp/docs/ja/public/Sign>.
    static let minimumBits = 2048

    /// Returns libcrypto's last error on this thread and clears the thread's error queue.
    static func lastFailure() -> KeyError {
        defer { ERR_clear_error() }
        guard let reason = unsafe ERR_reason_error_string(ERR_peek_last_error()) else {
            return .cryptoFailure("no reason given")
        }
        return .cryptoFailure(unsafe String(cString: reason))
    }

    /// Whether this thread's error queue is not empty, for tests.
    package static var isErrorLeft: Bool {
        ERR_peek_error() != 0
    }
}
