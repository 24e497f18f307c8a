package import RefundCore
package import RefundCrypto

/// Reads what the gateway answers to a refund query: an envelope of `code`, `msg`, `psn`, `data` and `sign`.
///
/// Nothing is believed before the signature verifies. The one use of an answer that does not verify is a refusal of our
/// credentials, since all it can do is make refundd ask less.
///
/// Sources: <https://developer.n-age.co.jp/docs/ja/public/Sign>, <https://developer.codepay.us/docs/BasicRules>, and the
/// vendor's Java SDK `paycloud-open/wise-paycloud-open-api-sdk-java` 3.1.2, which accepts unsigned answers; refundd
/// does not.
package enum GatewayAnswer: Sendable {
    /// The largest body that is read, in bytes; answers to refund queries take one or two thousand.
    package static let maximumLength = 256 * 1_024

    /// Tells what came of a query.
    ///
    /// - Parameters:
    ///   - body: The body of an answer with HTTP status 200; the caller bounds its size.
    ///   - query: What was asked.
    ///   - keys: The gateway's public keys, each of which may have signed.
    /// - Returns: The outcome; a report or an unknown order only where the signature verifies.
    package static func outcome(
        of body: [UInt8],
        for query: RefundQuery,
        verifiedBy keys: [RSAPublicKey]
    ) -> QueryOutcome {
        let envelope: JSONObject
        do throws(JSONError) {
            envelope = try JSONObject(parsing: body)
        } catch {
            return unreadable(body, error)
        }
        let code = AnswerCode(envelope["code"])
        let message = message(of: envelope, code)
        if let problem = signatureProblem(of: envelope, keys) {
            guard let code, code.meaning == .credentialsRefused else { return .unverified(reason: problem) }
            return .credentialsRefused(code: code.text, message: message, isVerified: false)
        }
        guard let code else { return .inconclusive(reason: "code in the gateway's answer is missing or malformed") }
        let evidence = Evidence(
            code: code.text,
            psn: envelope["psn"]?.text?.legible(upTo: 128),
            response: body
        )
        switch code.meaning {
        case .answered:
            do throws(RefundData.Doubt) {
                return .report(try RefundData(envelope["data"]).report(for: query), evidence)
            } catch {
                return .inconclusive(reason: error.reason)
            }
        case .unknownOrder:
            return .notFound(message: message, evidence)
        case .credentialsRefused:
            return .credentialsRefused(code: code.text, message: message, isVerified: true)
        case .other:
            return .inconclusive(reason: "the gateway answered \(code.text): \(message)")
        }
    }

    private static func signatureProblem(of envelope: JSONObject, _ keys: [RSAPublicKey]) -> String? {
        guard case .string(let text) = envelope["sign"], !text.isEmpty else {
            return "the gateway's answer is not signed"
        }
        guard let signature = Base64.decoded(text) else {
            return "sign in the gateway's answer is not base64"
        }
        let signed = SigningString.bytes(of: envelope)
        guard keys.contains(where: { $0.isValid(signature: signature, for: signed) }) else {
            return "the gateway's answer is signed by none of the configured public keys"
        }
        return nil
    }

    private static func unreadable(_ body: [UInt8], _ error: JSONError) -> QueryOutcome {
        if error.isRepeatedName {
            return .unverified(reason: "the gateway's answer is ambiguous: \(error)".legible(upTo: 200))
        }
        guard !body.isEmpty else { return .unreachable(reason: "the gateway's answer is empty") }
        let start = String(decoding: body.prefix(200), as: UTF8.self).quotedBriefly
        return .unreachable(
            reason: "the gateway's answer is not a JSON object: \(error) of \(start)".legible(upTo: 300)
        )
    }

    // Refusals repeat the code in brackets, `[E04111]Merchant order number is invalid`; it is told beside the message.
    private static func message(of envelope: JSONObject, _ code: AnswerCode?) -> String {
        guard let text = envelope["msg"]?.text else { return "no message" }
        let prefix = "[\(code?.text ?? "")]"
        return (text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text).legible(upTo: 200)
    }
}
