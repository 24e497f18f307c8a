import Foundation

/// The signing vectors: requests, responses and notifications of the gateway with their signing strings and signatures.
///
/// Build a signing string from the raw text only: a parser loses the difference between `1`, `1.0` and `1.00`.
package enum SigningVectors: Sendable {
    /// The keys that the other vectors name.
    package static let keys: [Key] = entries.compactMap { if case .key(let key) = $0 { key } else { nil } }
    /// Requests as a client signs them.
    package static let requests: [Request] = entries.compactMap {
        if case .request(let request) = $0 { request } else { nil }
    }
    /// Responses as a client verifies them.
    package static let responses: [SignedBody] = entries.compactMap {
        if case .response(let response) = $0 { response } else { nil }
    }
    /// Asynchronous notifications, verified like responses.
    package static let notifications: [SignedBody] = entries.compactMap {
        if case .notification(let notification) = $0 { notification } else { nil }
    }

    /// The key with this name, or nil.
    package static func key(named name: String) -> Key? {
        keys.first { $0.name == name }
    }

    private static let entries: [Entry] = {
        do {
            let file = Bundle.module.bundleURL.appendingPathComponent("Fixtures/signing-vectors.json")
            return try JSONDecoder().decode([Entry].self, from: Data(contentsOf: file))
        } catch {
            fatalError("the fixture signing-vectors.json cannot be read: \(error)")
        }
    }()
}

extension SigningVectors {
    /// A pair of keys, or the half of one that is known.
    package struct Key: Sendable, Decodable, CustomStringConvertible {
        /// The name by which vectors refer to it.
        package let name: String
        /// The SHA-256 of the public half's SubjectPublicKeyInfo in DER form, in lower-case hexadecimal digits.
        package let fingerprint: String
        /// The public half's SubjectPublicKeyInfo in DER form, as base64.
        package let publicBase64: String
        /// The public half as PEM, where the vectors hold it.
        package let publicPEM: String?
        /// The private half as PEM with PKCS#8 inside, for keys that were made for tests.
        package let privatePEM: String?

        /// The name.
        package var description: String { name }

        private enum CodingKeys: String, CodingKey {
            case name
            case fingerprint = "public_spki_sha256_hex"
            case publicBase64 = "public_spki_base64"
            case publicPEM = "public_pem"
            case privatePEM = "private_pem"
        }
    }

    /// A request with the signature that its members must get.
    package struct Request: Sendable, Decodable, CustomStringConvertible {
        /// What the vector is about.
        package let name: String
        /// The members to sign, as JSON text.
        package let rawJSON: String
        /// The signing string.
        package let canonical: String
        /// The length of the signing string in UTF-8 bytes.
        package let canonicalLength: Int
        /// The SHA-256 of the signing string, in lower-case hexadecimal digits.
        package let canonicalSHA256: String
        /// The name of the key that signs; its private half may be unknown.
        package let keyName: String
        /// The signature, as base64.
        package let signature: String

        /// The name.
        package var description: String { name }

        private enum CodingKeys: String, CodingKey {
            case name
            case rawJSON = "params_raw_json"
            case canonical
            case canonicalLength = "canonical_utf8_length"
            case canonicalSHA256 = "canonical_utf8_hex_sha256"
            case keyName = "private_key"
            case signature = "signature_base64"
        }
    }

    /// A response or notification with the verdict that its signature must get.
    package struct SignedBody: Sendable, Decodable, CustomStringConvertible {
        /// What the vector is about.
        package let name: String
        /// The exact text of the body, `sign` included where there is one.
        package let body: String
        /// The signing string of the body.
        package let canonical: String
        /// The length of the signing string in UTF-8 bytes.
        package let canonicalLength: Int
        /// The SHA-256 of the signing string, in lower-case hexadecimal digits.
        package let canonicalSHA256: String
        /// The name of the key that verifies.
        package let keyName: String
        /// The signature as it stands in the body: base64 if it is valid, empty or nil where the body is unsigned.
        package let signature: String?
        /// The verdict.
        package let expected: Verdict
        /// What a valid body says about the refund.
        package let interpretation: Interpretation?

        /// The name.
        package var description: String { name }

        private enum CodingKeys: String, CodingKey {
            case name
            case body = "body_raw"
            case canonical
            case canonicalLength = "canonical_utf8_length"
            case canonicalSHA256 = "canonical_utf8_hex_sha256"
            case keyName = "verify_with"
            case signature = "signature_base64"
            case expected = "expect"
            case interpretation
        }
    }

    /// What verifying a body comes to.
    package enum Verdict: String, Sendable, Decodable {
        /// The signature is the gateway's.
        case valid
        /// There is a signature and it is not the gateway's.
        case invalid
        /// There is no signature.
        case unsigned
    }

    /// What a body says about the refund.
    package struct Interpretation: Sendable, Decodable {
        /// The gateway's number for the state, where the body has one.
        package let transStatus: Int?
        /// One of "succeeded", "pending", "failed" and "not-found-yet".
        package let outcome: String

        private enum CodingKeys: String, CodingKey {
            case transStatus = "trans_status"
            case outcome
        }
    }

    private enum Entry: Decodable {
        case key(Key)
        case request(Request)
        case response(SignedBody)
        case notification(SignedBody)

        private enum CodingKeys: CodingKey {
            case kind
        }

        private enum Kind: String, Decodable {
            case key
            case request = "request-sign"
            case response = "response-verify"
            case notification = "notification-verify"
        }

        init(from decoder: any Decoder) throws {
            switch try decoder.container(keyedBy: CodingKeys.self).decode(Kind.self, forKey: .kind) {
            case .key: self = .key(try Key(from: decoder))
            case .request: self = .request(try Request(from: decoder))
            case .response: self = .response(try SignedBody(from: decoder))
            case .notification: self = .notification(try SignedBody(from: decoder))
            }
        }
    }
}
