package import RefundCore
package import RefundCrypto

/// Reads PayCloud's answer to a refund query: an envelope of `code`, `msg`, `psn`, `data` and `sign`.
///
/// Nothing is believed before the signature verifies. An unverified answer has one use: a refusal of our credentials, since
/// all it can do is make refundd query less. Unsigned answers are common, but not believed: the vendor's Java SDK
/// `paycloud-open/wise-paycloud-open-api-sdk-java` 3.1.2 accepts them.
///
/// Sources: <https://developer.n-age.co.jp/docs/ja/public/Sign>, <https://developer.codepay.us/docs/BasicRules>.
package enum GatewayAnswer: Sendable {
    /// The largest body that is read, in bytes; answers to refund queries take one or two thousand.
    package static let maximumLength = 256 * 1_024

    /// Reads the answer to a query.
    ///
    /// - Parameters:
    ///   - body: The body of the response; the caller bounds its size.
    ///   - query: The query.
    ///   - appID: The application's id at the gateway; nil to accept any, as in an answer that was stored long ago.
    ///   - keys: The gateway's public keys, any of which may have signed.
    /// - Returns: The outcome; a report or an unknown order only if the signature verifies.
    package static func outcome(
        of body: [UInt8],
        for query: RefundQuery,
        appID: String? = nil,
        verifiedBy keys: [RSAPublicKey]
    ) -> QueryOutcome {
        let (envelope, problem): (JSONObject, String?)
        do throws(JSONError) {
            (envelope, problem) = try verified(body, by: keys)
        } catch {
            return unreadable(body, error)
        }
        let code = AnswerCode(envelope["code"])
        let message = message(of: envelope, code)
        if let problem {
            guard let code, code.meaning != .answered else { return .unverified(reason: problem) }
            guard code.meaning == .credentialsRefused else {
                return .unverified(reason: "\(problem); it says \(code.text): \(message)")
            }
            return .credentialsRefused(code: code.text, message: message, isVerified: false)
        }
        guard let code else { return .inconclusive(reason: "code in the gateway's answer is missing or malformed") }
        let evidence = Evidence(
            code: code.text,
            psn: envelope["psn"]?.text?.sanitized(maxLength: 128),
            response: body
        )
        let binding = AnswerBinding(query, appID: appID)
        do throws(AnswerDoubt) {
            switch code.meaning {
            case .answered:
                try binding.check(envelope)
                return .report(try RefundData(envelope["data"]).report(for: query, binding), evidence)
            case .unknownOrder:
                try binding.check(envelope)
                return .notFound(message: message, evidence)
            case .credentialsRefused:
                return .credentialsRefused(code: code.text, message: message, isVerified: true)
            case .other:
                return .inconclusive(reason: "the gateway answered \(code.text): \(message)")
            }
        } catch {
            return .inconclusive(reason: error.reason)
        }
    }

    /// Takes a signed answer apart.
    ///
    /// - Parameters:
    ///   - body: The answer.
    ///   - keys: The gateway's public keys.
    /// - Returns: Its parts; nil if no key verifies it.
    package static func proof(in body: [UInt8], verifiedBy keys: [RSAPublicKey]) -> AnswerProof? {
        guard let (envelope, problem) = try? verified(body, by: keys), problem == nil,
            case .string(let text)? = envelope["sign"], let signature = Base64.decoded(text)
        else { return nil }
        let signed = SigningString.bytes(of: envelope)
        guard let key = keys.first(where: { $0.isValid(signature: signature, for: signed) }),
            let publicKey = try? key.pem
        else { return nil }
        let scheme = SignatureScheme(
            name: "RSASSA-PKCS1-v1_5 with SHA-256",
            digest: "sha256",
            signed: #"every member but "sign", null and empty ones, sorted by name, as name=value joined with &"#,
            signature: #"the member "sign", decoded from base64"#
        )
        return AnswerProof(signed: signed, signature: signature, publicKey: publicKey, scheme: scheme)
    }

    // The signature covers the unescaped text, which cannot contain an unpaired surrogate: Java's encoder writes a
    // question mark for it, most others U+FFFD. An envelope is read, and believed, only as it was signed.
    private static func verified(
        _ body: [UInt8],
        by keys: [RSAPublicKey]
    ) throws(JSONError) -> (envelope: JSONObject, problem: String?) {
        let envelope = try JSONObject(parsing: body, .tolerant(surrogate: "?"))
        guard let problem = signatureProblem(of: envelope, keys) else { return (envelope, nil) }
        let other = try JSONObject(parsing: body, .tolerant(surrogate: "\u{FFFD}"))
        guard other != envelope, signatureProblem(of: other, keys) == nil else { return (envelope, problem) }
        return (other, nil)
    }

    /// The problem of an answer with a signature by an unknown key.
    static let foreignKey = "the gateway's answer is signed by none of the configured public keys"

    private static func signatureProblem(of envelope: JSONObject, _ keys: [RSAPublicKey]) -> String? {
        guard case .string(let text) = envelope["sign"], !text.isEmpty else {
            return "the gateway's answer is not signed"
        }
        guard let signature = Base64.decoded(text) else {
            return "sign in the gateway's answer is not base64"
        }
        let signed = SigningString.bytes(of: envelope)
        guard keys.contains(where: { $0.isValid(signature: signature, for: signed) }) else {
            return foreignKey
        }
        return nil
    }

    private static func unreadable(_ body: [UInt8], _ error: JSONError) -> QueryOutcome {
        if error.isRepeatedName {
            return .unverified(reason: "the gateway's answer is ambiguous: \(error)".sanitized(maxLength: 200))
        }
        guard !body.isEmpty else { return .unreachable(reason: "the gateway's answer is empty") }
        let start = String(decoding: body.prefix(200), as: UTF8.self).quoted(maxLength: 80)
        return .unreachable(
            reason: "the gateway's answer is not a JSON object: \(error) of \(start)".sanitized(maxLength: 300)
        )
    }

    // Refusals repeat the code in brackets: `[E04111]Merchant order number is invalid`.
    private static func message(of envelope: JSONObject, _ code: AnswerCode?) -> String {
        guard let text = envelope["msg"]?.text else { return "no message" }
        let prefix = "[\(code?.text ?? "")]"
        return (text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text).sanitized(maxLength: 200)
    }
}

/// Why a verified answer says nothing about the refund that was queried.
struct AnswerDoubt: Error {
    let reason: String
}

/// What an answer must say wherever it names its subject: our merchant, our application, a refund.
///
/// Nothing else ties an answer to its query, so an answer signed for somebody else must not pass for ours. `trans_type` 3
/// is a refund, as integrators of the platform found.
struct AnswerBinding {
    private let expected: [(name: String, value: String)]

    init(_ query: RefundQuery, appID: String?) {
        // A stored answer to a row without a merchant number may be any merchant's: the configuration may have changed.
        expected = [("merchant_no", query.merchantNo), ("app_id", appID ?? ""), ("trans_type", "3")]
            .filter { !$0.1.isEmpty }
    }

    /// Checks the envelope of an answer, or its `data`.
    ///
    /// - Throws: `AnswerDoubt` for a value that is present and different.
    func check(_ object: JSONObject) throws(AnswerDoubt) {
        for (name, value) in expected {
            guard let actual = object[name], !actual.isBlank else { continue }
            guard let text = actual.text else {
                throw AnswerDoubt(
                    reason: "the gateway's answer is about \(name) of an unexpected type instead of "
                        + value.quoted(maxLength: 80)
                )
            }
            try checkEcho(text, of: name, is: value)
        }
    }

    /// Checks a value that an answer repeats.
    func checkEcho(_ echo: String, of name: String, is expected: String) throws(AnswerDoubt) {
        guard !echo.hasSameBytes(as: expected) else { return }
        let both = "\(echo.quoted(maxLength: 80)) instead of \(expected.quoted(maxLength: 80))"
        throw AnswerDoubt(reason: "the gateway's answer is about \(name) \(both)")
    }
}

extension JSONValue {
    /// The text of a string or the token of a number; nil if it is blank or of another type.
    var text: String? {
        switch self {
        case .string(let text): text.isBlank ? nil : text
        case .number(let token): token
        case .bool, .null, .object, .array: nil
        }
    }

    /// Whether this is null or a string without visible characters, which PayCloud does not distinguish from absence.
    var isBlank: Bool {
        switch self {
        case .null: true
        case .string(let text): text.isBlank
        case .number, .bool, .object, .array: false
        }
    }
}

extension String {
    /// Whether this text has no visible characters.
    fileprivate var isBlank: Bool {
        // Nearly every text begins with a visible character of ASCII.
        if let first = utf8.first, 0x21..<0x7F ~= first { return false }
        return allSatisfy(\.isWhitespace)
    }
}
