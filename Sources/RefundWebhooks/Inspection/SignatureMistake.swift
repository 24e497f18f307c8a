import RefundCore

/// A mistake that makes a signature differ from the right one.
package enum SignatureMistake: Hashable, Sendable, CaseIterable {
    // The secret.
    case secretWithPrefix
    case secretNotDecoded
    case prefixDecodedToo
    // What is signed.
    case idLeftOut
    case timestampLeftOut
    case onlyBodySigned
    case millisecondsInHeader
    // The body.
    case lineBreakAdded
    case lineBreakRemoved
    case lineEndsChanged
    case byteOrderMark
    case reserialized
    case keysSorted
    case prettyPrinted
    case emptyBody
    // How the signature is written.
    case hexadecimal
    case hexadecimalInBase64
    case otherBase64

    /// What is wrong and what to do, in one sentence.
    package var description: String {
        switch self {
        case .secretWithPrefix:
            "the key is the text of the secret with its whsec_; remove whsec_ and decode the rest from Base64"
        case .secretNotDecoded: "the key is the text after whsec_; decode it from Base64, the key is the bytes"
        case .prefixDecodedToo: "the key is decoded together with whsec_; remove whsec_ first, then decode the rest"
        case .idLeftOut: "webhook-id is not signed; sign \(Self.content)"
        case .timestampLeftOut: "webhook-timestamp is not signed; sign \(Self.content)"
        case .onlyBodySigned: "the body alone is signed; sign \(Self.content)"
        case .millisecondsInHeader: "webhook-timestamp was multiplied by 1000 after signing; it is in Unix seconds"
        case .lineBreakAdded: "it signs the body without the line break at its end; \(Self.exactBytes)"
        case .lineBreakRemoved: "it signs the body with a line break at its end; \(Self.exactBytes)"
        case .lineEndsChanged: "it signs the body with other line ends (LF or CRLF); \(Self.exactBytes)"
        case .byteOrderMark: "a byte-order mark was added to the body, or removed; \(Self.exactBytes)"
        case .reserialized: "the body was parsed and written again; \(Self.exactBytes)"
        case .keysSorted: "it signs the body with its members sorted by name; \(Self.exactBytes)"
        case .prettyPrinted: "it signs the body pretty-printed over several lines; \(Self.exactBytes)"
        case .emptyBody: "it signs an empty body; read the body before verifying, and only once"
        case .hexadecimal: "it is written in hexadecimal; write it in Base64"
        case .hexadecimalInBase64: "it is the Base64 of hexadecimal digits; encode the 32 bytes themselves"
        case .otherBase64: "it is Base64 without padding or of the URL-safe alphabet; use standard Base64 with padding"
        }
    }

    private static let content = "webhook-id, a dot, webhook-timestamp, a dot and the body"
    private static let exactBytes = "sign and verify the exact bytes that are sent, before anything parses them"
}

/// Why a webhook is not accepted.
package enum SignatureProblem: Hashable, Sendable {
    /// A header is missing or empty.
    case missingHeader(String)
    /// The timestamp is no number.
    case timestampIsNoNumber
    /// The timestamp is in milliseconds.
    case timestampInMilliseconds
    /// The timestamp is this long ago; negative if it is in the future.
    case timestampOutOfTolerance(Duration)
    /// The body has another length than was announced.
    case otherLength(announced: Int, actual: Int)
    /// A signature does not say its scheme.
    case schemeMissing
    /// A signature has another scheme than `v1`.
    case otherScheme(String)
    /// A signature is neither Base64 nor hexadecimal.
    case unreadableSignature
    /// The signature would match but for these mistakes.
    case mistakes([SignatureMistake])
    /// The signature matches another configured secret.
    case otherSecret(String)
    /// The signature matches nothing that was tried; this is the header's right value.
    case unexplained(expected: String)

    /// What is wrong and what to do, in one sentence.
    package var description: String {
        switch self {
        case .missingHeader(let name): "the header \(name) is missing; a proxy or framework may have removed it"
        case .timestampIsNoNumber: "webhook-timestamp is no whole number; it is in Unix seconds"
        case .timestampInMilliseconds: "webhook-timestamp is in milliseconds; it is in Unix seconds"
        case .timestampOutOfTolerance(let age):
            age > .zero
                ? "webhook-timestamp is \(age.rounded) old, and receivers allow \(Self.tolerance); "
                    + "a replay, or a clock that is wrong"
                : "webhook-timestamp is \((.zero - age).rounded) in the future, and receivers allow \(Self.tolerance); "
                    + "one of the clocks is wrong"
        case .otherLength(let announced, let actual):
            "the body has \(actual) bytes, but Content-Length says \(announced); it was changed or cut off"
        case .schemeMissing: "webhook-signature lacks its scheme; write v1, a comma and the Base64"
        case .otherScheme(let scheme): "webhook-signature has the scheme \"\(scheme)\"; expected v1"
        case .unreadableSignature: "webhook-signature is no Base64 of 32 bytes"
        case .mistakes(let mistakes):
            mistakes.map(\.description).joined(separator: "; also ")
        case .otherSecret(let name): "it is signed with another secret: \(name)"
        case .unexplained(let expected):
            "no known mistake explains the signature: the secret is another one, or id, timestamp or body were changed; "
                + "for these it would be \(expected)"
        }
    }

    private static let tolerance = SignatureInspection.tolerance.formatted
}
