import RefundCrypto
import RefundTestSupport
import Testing

/// A text that is not the key that was asked for, with the reason to refuse it.
struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let error: KeyError

    init(_ name: String, _ text: String, _ error: KeyError) {
        self.name = name
        self.text = text
        self.error = error
    }

    /// The name stands in reports, where the text of a key is of no use.
    var testDescription: String { name }

    /// Whether the text is one PEM block whose bytes alone tell the reason.
    var isOnePlainBlock: Bool {
        error != .trailingData && text.split(separator: "-----BEGIN").count == 1 && !text.contains("Proc-Type")
            && !text.contains("OPENSSH")
    }

    static let inPlaceOfAPrivateKey = [
        Refusal("1024 bits", RefusedKeys.rsa1024PrivatePEM, .tooShort(bits: 1024)),
        Refusal("EC", RefusedKeys.ecPrivatePEM, .wrongType("EC")),
        Refusal("EC with parameters", RefusedKeys.ecParametersPEM, .wrongType("EC")),
        Refusal("Ed25519", RefusedKeys.ed25519PrivatePEM, .wrongType("ED25519")),
        Refusal("OpenSSH", RefusedKeys.openSSHPrivatePEM, .wrongType("OpenSSH")),
        Refusal("encrypted PKCS#8", RefusedKeys.encryptedPEM, .encrypted),
        Refusal("encrypted by headers", RefusedKeys.traditionallyEncryptedPEM, .encrypted),
        Refusal("public key", TestKeys.appPublicPEM, .publicWherePrivate),
        Refusal("short public key", RefusedKeys.rsa1024PublicPEM, .publicWherePrivate),
        Refusal("certificate", RefusedKeys.certificatePEM, .certificate),
        Refusal("certificate request", RefusedKeys.certificateRequestPEM, .certificate),
        Refusal("both halves", TestKeys.appPrivatePEM + TestKeys.appPublicPEM, .trailingData),
        Refusal("text after the block", TestKeys.appPrivatePEM + "more", .trailingData),
    ]

    static let inPlaceOfAPublicKey = [
        Refusal("1024 bits", RefusedKeys.rsa1024PublicPEM, .tooShort(bits: 1024)),
        Refusal("EC", RefusedKeys.ecPublicPEM, .wrongType("EC")),
        Refusal("Ed25519", RefusedKeys.ed25519PublicPEM, .wrongType("ED25519")),
        Refusal("RSA-PSS", RefusedKeys.rsaPSSPublicPEM, .wrongType("RSA-PSS")),
        Refusal("private key", TestKeys.appPrivatePEM, .privateWherePublic),
        Refusal("EC private key", RefusedKeys.ecPrivatePEM, .privateWherePublic),
        Refusal("encrypted private key", RefusedKeys.encryptedPEM, .encrypted),
        Refusal("certificate", RefusedKeys.certificatePEM, .certificate),
        Refusal("certificate request", RefusedKeys.certificateRequestPEM, .certificate),
        Refusal("two keys", TestKeys.appPublicPEM + TestKeys.gatewayPublicPEM, .trailingData),
    ]

    static let inPlaceOfAnyKey = [
        Refusal("nothing", "", .empty),
        Refusal("blanks", " \t\r\n\n", .empty),
        Refusal("byte order mark", "\u{FEFF}", .empty),
        Refusal("byte order mark and a line end", "\u{FEFF}\n", .empty),
        Refusal("words", "not a key", .notAKey),
        Refusal("zeros", "AAAA", .notAKey),
        Refusal("start of a sequence", "MIIB", .notAKey),
        Refusal("dashes", "-----", .notAKey),
        Refusal("beginning only", "-----BEGIN PRIVATE KEY-----", .notAKey),
        Refusal("empty block", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", .notAKey),
        Refusal("labels that differ", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", .notAKey),
        Refusal("no base64", "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n", .notAKey),
        Refusal("end before beginning", "-----END X-----\nAAAA\n-----BEGIN X-----\n", .notAKey),
        Refusal("public key of OpenSSH", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ== shop", .notAKey),
        Refusal("JSON", #"{"kty":"RSA"}"#, .notAKey),
        Refusal("control characters", "\u{0}\u{1}\u{2}", .notAKey),
    ]
}
