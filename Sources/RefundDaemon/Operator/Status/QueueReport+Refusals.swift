import RefundCore
import RefundStore

/// Receivers that accept nothing, and what waits for them once they are repaired.
extension QueueReport {
    private static let answerLength = 60
    // A shorter wait is over before anybody has typed the command.
    private static let shortestRetry: Duration = .seconds(60)

    /// A problem for each endpoint that has accepted nothing for a while, and a note about retries after a repair.
    var refusalFindings: [Finding] {
        let open = Set(status.endpoints.open.map(\.endpoint))
        let findings = status.endpoints.refusals.filter { refusal in
            !open.contains(refusal.endpoint) && status.pauses[.endpoint(refusal.endpoint)] == nil
        }.map(finding)
        return findings + [retryNote].compactMap(\.self)
    }

    private func finding(_ refusal: EndpointRefusal) -> Finding {
        let attempts = refusal.attempts.counted("attempt", "attempts")
        let cause = "\(attempts), \(refusal.reason.asClause)\(answer(refusal))"
        let waiting = refusal.waiting.counted("webhook waits", "webhooks wait")
        let next = refusal.next.map { ", next try \($0.wait(from: now))" } ?? ""
        let subject = "endpoint \(refusal.endpoint)"
        let text =
            "\(subject) has accepted nothing since \(refusal.since.iso8601Seconds) (\(cause)); \(waiting)\(next);"
            + " repair the receiver, then send them now"
        return Finding(.problem, subject, text, run: "refundd redeliver --pending")
    }

    // The receiver's own words.
    private func answer(_ refusal: EndpointRefusal) -> String {
        guard let answer = refusal.answer else { return "" }
        let text = String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return text.isEmpty ? "" : ": \"\(text.sanitized(maxLength: Self.answerLength))\""
    }

    private var retryNote: Finding? {
        let retries = status.endpoints.retries
        guard retries.count > 0, let last = retries.last, last.duration(since: now) > Self.shortestRetry else {
            return nil
        }
        let waiting = retries.count.counted("webhook waits", "webhooks wait")
        let text = "\(waiting) for a retry, the last \(last.wait(from: now)); if the receiver is well, send them now"
        return Finding(.note, "webhooks", text, run: "refundd redeliver --pending")
    }
}
