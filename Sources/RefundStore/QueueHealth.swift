package import RefundCore

/// Whether refunds are watched and reported as they should be, or what is wrong and which command helps.
///
/// The page of the admin address and `refundd status` share it.
package struct QueueHealth: Hashable, Sendable {
    /// Something that an operator has to do.
    package struct Finding: Hashable, Sendable {
        /// What is wrong, as a clause without a full stop.
        package var problem: String
        /// The command that fixes it, or says how.
        package var command: String

        /// Creates a finding.
        package init(_ problem: String, command: String) {
            self.problem = problem
            self.command = command
        }
    }

    /// A refund that has been due for longer is not being watched.
    package static let longestLag: Duration = .seconds(60)

    /// What is wrong, gravest first; empty if all is well.
    package var findings: [Finding] = []

    /// Judges a queue.
    ///
    /// - Parameters:
    ///   - status: The queue's figures.
    ///   - gateways: The configured gateways.
    package init(_ status: QueueStatus, gateways: [String]) {
        for gateway in Set(gateways).union(status.incidents.keys).sorted() {
            guard let incident = status.incidents[gateway] else { continue }
            let problem =
                switch incident.kind {
                case .misconfigured: "refuses our credentials or its answers do not verify"
                case .unreachable: "has given no verified answer"
                }
            findings.append(
                Finding(
                    "gateway \(gateway) \(problem) since \(incident.since.iso8601Seconds) (\(incident.message))",
                    command: "refundd check --online"
                )
            )
        }
        // A gateway that is probed or in an incident is known to lag.
        let lagging = status.dueLags.filter { gateway, lag in
            lag > Self.longestLag && status.incidents[gateway] == nil && status.breakers[gateway] == nil
                && gateways.contains(gateway)
        }
        for (gateway, lag) in lagging.sorted(by: { $0.key < $1.key }) {
            findings.append(
                Finding(
                    "refunds of gateway \(gateway) have been due for \(lag.wholeMilliseconds / 60_000) min without a query",
                    command: "refundd doctor"
                )
            )
        }
        for reason in Attention.allCases.sorted(by: { $0.gravity > $1.gravity }) {
            guard let count = status.attention[reason], count > 0, reason != .undeliverable else { continue }
            findings.append(
                Finding("\(Self.counted(count, "refund")) \(reason.problem)", command: "refundd list --attention")
            )
        }
        if let dead = status.webhooks[.dead], dead > 0 {
            let problem = "\(Self.counted(dead, "webhook")) \(dead == 1 ? "was" : "were") never accepted"
            findings.append(Finding(problem, command: "refundd webhooks --state dead"))
        }
        let disabled = status.endpoints.disabledCount
        if disabled > 0, status.webhooks[.dead] ?? 0 == 0 {
            let problem = "\(Self.counted(disabled, "webhook URL")) \(disabled == 1 ? "is" : "are") disabled"
            findings.append(Finding(problem, command: "refundd redeliver --dead"))
        }
    }

    /// Whether no operator is needed.
    package var isHealthy: Bool { findings.isEmpty }

    /// One sentence: healthy, or the gravest finding and how many others there are.
    package var sentence: String {
        guard let first = findings.first else { return "Healthy: refunds are watched and nothing needs an operator." }
        let more = findings.count == 1 ? "" : ", and \(Self.counted(findings.count - 1, "more problem"))"
        return "Needs an operator: \(first.problem)\(more)."
    }

    private static func counted(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }
}

extension Attention {
    /// What is wrong with a refund that has this attention, as a verb phrase for any number of refunds.
    package var problem: String {
        switch self {
        case .mismatch: "settled with another amount than expected"
        case .misconfigured: "cannot be queried with this configuration, or the gateway refuses the merchant"
        case .unknownOrder: "unknown to the gateway"
        case .overdue: "without a verdict for too long"
        case .undeliverable: "whose webhook was never accepted"
        }
    }
}
