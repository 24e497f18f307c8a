import RefundCore
import RefundStore

/// Receivers that accept nothing, and what waits for them once they are repaired.
extension QueueReport {
    private static let answerLength = 60
    // A shorter wait is over before anybody has typed the command.
    private static let shortestRetry: Duration = .seconds(60)

    private static let repair = "repair the receiver, then send them now"

    /// A finding for each endpoint that accepts nothing, and a note about retries after a repair.
    ///
    /// An endpoint is a problem once its failure lasts, or it is only probed.
    var refusalFindings: [Finding] {
        let open = Set(status.endpoints.open.map(\.endpoint))
        let refusals = status.endpoints.refusals.filter { status.pauses[.endpoint($0.endpoint)] == nil }
        let probed = status.endpoints.open.filter { status.pauses[.endpoint($0.endpoint)] == nil }
            .map { endpoint, breaker in finding(endpoint, breaker, refusals.first { $0.endpoint == endpoint }) }
        return probed + refusals.filter { !open.contains($0.endpoint) }.map(finding) + [retryNote].compactMap(\.self)
    }

    private func finding(_ refusal: EndpointRefusal) -> Finding {
        let attempts = refusal.attempts.counted("attempt", "attempts")
        let subject = "endpoint \(refusal.endpoint)"
        guard refusal.isLasting(at: now) else {
            let text =
                "\(refusal.sentence) (\(attempts) since \(refusal.since.iso8601Seconds), none accepted);"
                + " \(refusal.backlog); \(Self.repair)"
            return Finding(.note, subject, text, run: "refundd redeliver --pending")
        }
        let cause = "\(attempts), \(refusal.reason.asClause)\(answer(refusal))"
        let next = refusal.next.map { ", next try \($0.wait(from: now))" } ?? ""
        let text =
            "\(subject) has accepted nothing since \(refusal.since.iso8601Seconds) (\(cause));"
            + " \(refusal.backlog)\(next); \(Self.repair)"
        return Finding(.problem, subject, text, run: "refundd redeliver --pending")
    }

    private func finding(_ endpoint: String, _ breaker: OpenBreaker, _ refusal: EndpointRefusal?) -> Finding {
        let reason = (refusal?.reason ?? breaker.reason).asClause
        let waiting = refusal.map { "; \($0.backlog)" } ?? "; it is only probed"
        let text =
            "endpoint \(endpoint) has failed since \(breaker.since.iso8601Seconds): \(reason)\(waiting)"
            + "\(breaker.nextProbe(from: now)); \(Self.repair)"
        return Finding(.problem, "endpoint \(endpoint)", text, run: "refundd redeliver --pending")
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
        let text =
            "\(waiting) for a retry, the last \(last.wait(from: now)); if the receiver works again, send them now"
        return Finding(.note, "webhooks", text, run: "refundd redeliver --pending")
    }
}

extension EndpointRefusal {
    /// What it does, such as `endpoint https://shop.example:443 answers HTTP 500`.
    var sentence: String {
        "endpoint \(endpoint) \(reason.hasPrefix("HTTP ") ? "answers" : "fails:") \(reason.asClause)"
    }

    fileprivate var backlog: String {
        (waiting < Self.counted ? "" : "at least ") + waiting.counted("webhook waits", "webhooks wait")
    }
}
