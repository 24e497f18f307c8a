package import RefundCore
import RefundWebhooks

/// Whether a receiver should accept a webhook, and why not.
package struct SignatureCheck: Sendable {
    /// Whether it is genuine.
    package let isGenuine: Bool
    /// The result in sentences: who signed it, or each problem with its remedy.
    package let lines: [String]

    /// Checks the parts of a webhook.
    ///
    /// - Parameters:
    ///   - trial: The receiver's secrets.
    ///   - id: The value of `webhook-id`.
    ///   - timestamp: The value of `webhook-timestamp`.
    ///   - signature: The value of `webhook-signature`.
    ///   - body: The body.
    ///   - now: When it arrived.
    package init(
        _ trial: ReceiverTrial,
        id: String?,
        timestamp: String?,
        signature: String?,
        body: [UInt8],
        at now: Timestamp
    ) {
        self.init(trial, CapturedWebhook(id: id, timestamp: timestamp, signature: signature, body: body), at: now)
    }

    /// Checks a raw HTTP request.
    ///
    /// - Returns: Nil if no empty line ends its head.
    package init?(_ trial: ReceiverTrial, request: [UInt8], at now: Timestamp) {
        guard let webhook = CapturedWebhook(request: request) else { return nil }
        self.init(trial, webhook, at: now)
    }

    init(_ trial: ReceiverTrial, _ webhook: CapturedWebhook, at now: Timestamp, explains: Bool = true) {
        let inspection = SignatureInspection(
            webhook,
            trial.secrets,
            others: trial.otherSecrets,
            at: now,
            explains: explains
        )
        isGenuine = inspection.isGenuine
        let signer = inspection.signer.map { name in
            let index = trial.secrets.firstIndex { $0.name == name } ?? 0
            let rank = trial.secrets.count > 1 ? ", secret \(index + 1) of \(trial.secrets.count)" : ""
            return "the signature is right, by \(name)\(rank)"
        }
        lines = [signer].compactMap(\.self) + inspection.problems.map(\.description)
    }
}
