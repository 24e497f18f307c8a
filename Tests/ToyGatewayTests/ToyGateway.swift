import RefundCore
import RefundCrypto
import RefundHTTP

/// A gateway that has nothing in common with PayCloud: lines of text, an HMAC as signature, and words as statuses.
///
///     refund R-1001
///     status paid
///     amount 12.50 EUR
///     signature 5d41…
///
/// Like every gateway's module it has two pure functions: from a query to a request, and from bytes to an outcome.
struct ToyGateway: Sendable {
    /// What the words mean for a refund, in the order of their numbers, which start at 1.
    private static let statuses: [(word: String, verdict: GatewayVerdict)] = [
        ("queued", .processing), ("sent", .processing), ("paid", .settled), ("rejected", .failed),
    ]

    let url: String
    let secret: [UInt8]

    /// The request for the state of a refund.
    func request(for query: RefundQuery, at now: Timestamp) -> HTTPRequest {
        let lines = [
            "merchant \(query.merchantNo)", "refund \(query.merchantOrderNo ?? "#\(query.transNo ?? "")")",
            "time \(now.iso8601)",
        ]
        return HTTPRequest(
            url: url,
            headers: [(name: "Content-Type", value: "text/plain")],
            body: signed(lines),
            timeout: .seconds(10),
            responseLimit: .refuseAbove(4_096)
        )
    }

    /// What a response's body says about the refund that was queried.
    func outcome(of body: [UInt8], for query: RefundQuery) -> QueryOutcome {
        guard let text = String(validating: body, as: UTF8.self) else {
            return .unreachable(reason: "the response is not text")
        }
        var lines = text.split(separator: "\n").map(String.init)
        guard let signature = lines.popLast(), signature.hasPrefix("signature ") else {
            return .unverified(reason: "the response is not signed")
        }
        guard signed(lines) == body else { return .unverified(reason: "the signature is wrong") }
        var fields: [Substring: String] = [:]
        for line in lines {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, fields.updateValue(String(parts[1]), forKey: parts[0]) == nil else {
                return .inconclusive(reason: "the response is ambiguous")
            }
        }
        return outcome(fields, of: body, for: query)
    }

    private func outcome(_ fields: [Substring: String], of body: [UInt8], for query: RefundQuery) -> QueryOutcome {
        guard fields["refund"] == query.merchantOrderNo else {
            return .inconclusive(reason: "the response is about another refund")
        }
        let word = fields["status"] ?? ""
        let evidence = Evidence(code: word, psn: fields["trace"]?.sanitized(maxLength: 128), response: body)
        if word == "unknown" { return .notFound(message: "no such refund", evidence) }
        guard let index = Self.statuses.firstIndex(where: { $0.word == word }) else {
            return .inconclusive(reason: "unknown status \(JSONWriter.quoted(word.sanitized(maxLength: 80)))")
        }
        var transaction = GatewayTransaction(status: index + 1)
        let amount = fields["amount"]?.split(separator: " ") ?? []
        transaction.amount = amount.first.flatMap { DecimalAmount.plainText(String($0)) }
        transaction.currency = amount.count == 2 ? String(amount[1]).sanitized(maxLength: 8) : nil
        transaction.endAt = fields["at"].flatMap(Timestamp.init(iso8601:))
        let verdict = Self.statuses[index].verdict
        let failure = Failure(code: "rejected", message: fields["reason"]?.sanitized(maxLength: 512))
        return .report(GatewayReport(verdict, transaction, failure: verdict == .failed ? failure : nil), evidence)
    }

    /// Lines and the signature over them.
    func signed(_ lines: [String]) -> [UInt8] {
        let text = Array((lines.joined(separator: "\n") + "\n").utf8)
        let digits = HMACSHA256.code(for: text, key: secret).map { String(0x100 + Int($0), radix: 16).dropFirst() }
        return text + Array("signature \(digits.joined())\n".utf8)
    }
}
