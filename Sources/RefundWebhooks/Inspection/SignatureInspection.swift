package import RefundCore
import RefundCrypto

/// Verifies a webhook as a receiver should, and explains why one is not accepted.
package struct SignatureInspection: Sendable {
    /// How far a timestamp may be from the receiver's clock, as the libraries of Standard Webhooks have it.
    package static let tolerance: Duration = .seconds(300)

    /// The webhook's problems; empty if it is genuine.
    package private(set) var problems: [SignatureProblem] = []
    /// The name of the secret that signed it; nil unless one did.
    package private(set) var signer: String?

    /// Whether a receiver should accept the webhook.
    package var isGenuine: Bool { problems.isEmpty }

    private let webhook: CapturedWebhook
    private let secrets: [NamedSecret]

    /// Inspects a webhook.
    ///
    /// - Parameters:
    ///   - webhook: The webhook.
    ///   - secrets: The receiver's secrets; one that matches is enough.
    ///   - others: Further secrets, to tell whether one of these signed it.
    ///   - now: When it arrived.
    ///   - explains: Whether to look for the mistake if it is not genuine, which takes some thousand times as long.
    package init(
        _ webhook: CapturedWebhook,
        _ secrets: [NamedSecret],
        others: [NamedSecret] = [],
        at now: Timestamp,
        explains: Bool = true
    ) {
        (self.webhook, self.secrets) = (webhook, secrets)
        let headers = [
            ("webhook-id", webhook.id), ("webhook-timestamp", webhook.timestamp),
            ("webhook-signature", webhook.signature),
        ]
        for (name, value) in headers where value == nil { problems.append(.missingHeader(name)) }
        checkTimestamp(at: now)
        guard let id = webhook.id, let timestamp = webhook.timestamp, let header = webhook.signature else { return }
        let (signatures, oddities) = GivenSignature.all(in: header)
        let right = WebhookContent(id: id, timestamp: timestamp)
        func signs(_ secret: NamedSecret) -> Bool {
            let code = right.code(of: webhook.body, key: secret.secret.key)
            return signatures.contains { $0.isProper && $0.code == code }
        }
        signer = secrets.first(where: signs)?.name
        guard signer == nil else { return }
        if let announced = webhook.announcedLength, announced != webhook.body.count {
            problems.append(.otherLength(announced: announced, actual: webhook.body.count))
        }
        problems += oddities
        if let other = others.first(where: signs) {
            problems.append(.otherSecret(other.name))
        } else if explains, let mistakes = mistakes(in: signatures, right) {
            if !mistakes.isEmpty { problems.append(.mistakes(mistakes)) }
        } else {
            let keys = secrets.map(\.secret)
            let expected = WebhookSignature.header(id: id, timestamp: timestamp, body: webhook.body, secrets: keys)
            problems.append(.unexplained(expected: expected))
        }
    }

    private mutating func checkTimestamp(at now: Timestamp) {
        guard let text = webhook.timestamp else { return }
        guard let number = Int64(text), number >= 0 else {
            problems.append(.timestampIsNoNumber)
            return
        }
        // As seconds, that would be in the year 5138.
        guard number < 100_000_000_000 else {
            problems.append(.timestampInMilliseconds)
            return
        }
        let age = now.duration(since: Timestamp(milliseconds: number * 1_000))
        if age > Self.tolerance || age < .zero - Self.tolerance { problems.append(.timestampOutOfTolerance(age)) }
    }

    /// Finds the fewest mistakes, at most two beside how the signature is written, with which a signature matches.
    private func mistakes(in signatures: [GivenSignature], _ right: WebhookContent) -> [SignatureMistake]? {
        let known = Dictionary(signatures.map { ($0.code, $0.mistake) }) { first, second in
            first == nil ? first : second
        }
        guard !known.isEmpty else { return nil }
        let bodies = BodyVariants.all(of: webhook.body)
        let keys = secrets.flatMap(\.secret.keyVariants)
        let contents = right.variants
        for count in 0...2 {
            for (keyMistake, key) in keys {
                for (contentMistake, content) in contents {
                    for (bodyMistake, body) in bodies {
                        let mistakes = [keyMistake, contentMistake, bodyMistake].compactMap(\.self)
                        guard mistakes.count == count, let spelling = known[content.code(of: body, key: key)] else {
                            continue
                        }
                        return mistakes + [spelling].compactMap(\.self)
                    }
                }
            }
        }
        return nil
    }
}

/// What is signed besides the body.
private struct WebhookContent {
    var prefix: String

    init(id: String, timestamp: String) { prefix = "\(id).\(timestamp)." }

    private init(prefix: String) { self.prefix = prefix }

    func code(of body: [UInt8], key: [UInt8]) -> [UInt8] {
        HMACSHA256.code(for: Array(prefix.utf8) + body, key: key)
    }

    /// What senders sign by mistake.
    var variants: [(SignatureMistake?, WebhookContent)] {
        let parts = prefix.dropLast().split(separator: ".", omittingEmptySubsequences: false)
        let timestamp = parts.last ?? ""
        let id = parts.dropLast().joined(separator: ".")
        var variants: [(SignatureMistake?, WebhookContent)] = [
            (nil, self), (.idLeftOut, WebhookContent(prefix: "\(timestamp).")),
            (.timestampLeftOut, WebhookContent(prefix: "\(id).")), (.onlyBodySigned, WebhookContent(prefix: "")),
        ]
        if timestamp.utf8.count == 13 {
            variants.append((.millisecondsInHeader, WebhookContent(id: id, timestamp: String(timestamp.dropLast(3)))))
        }
        return variants
    }
}

extension WebhookSecret {
    /// The keys that programs take for the secret.
    fileprivate var keyVariants: [(SignatureMistake?, [UInt8])] {
        let digits = Base64.encoded(key)
        let whole = "whsec_\(digits)"
        var variants: [(SignatureMistake?, [UInt8])] = [(nil, key)]
        for end in ["", "\n"] {
            variants.append((.secretWithPrefix, Array("\(whole)\(end)".utf8)))
            variants.append((.secretNotDecoded, Array("\(digits)\(end)".utf8)))
        }
        // Lenient decoders skip the underscore, or take it for a digit of the URL-safe alphabet.
        for text in ["whsec\(digits)", "whsec/\(digits)"] {
            if let key = Base64.decodedLeniently(text) { variants.append((.prefixDecodedToo, key)) }
        }
        return variants
    }
}
