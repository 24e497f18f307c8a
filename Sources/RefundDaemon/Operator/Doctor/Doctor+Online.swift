import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore

/// What only the gateways and the receiver can tell.
extension Doctor {
    func onlineFindings(
        _ configuration: Configuration,
        _ status: QueueStatus?,
        _ waits: (String) -> Void
    ) async -> [Finding] {
        let configuration = configuration.readingCredentials(of: unit)
        var findings: [Finding] = []
        do throws(CommandFailure) {
            let credentials = try ConfigurationLoader.credentials(configuration)
            let connections = try Connections(configuration, credentials)
            defer { connections.shutDown() }
            for (name, gateway) in connections.settings.gateways.sorted(by: { $0.key < $1.key }) {
                waits("gateway \(name)")
                let (finding, outcome) = await GatewayCheck(name: name, gateway: gateway).finding()
                findings.append(explained(finding, outcome.problem ?? "", configuration.gateways[name]))
            }
        } catch {
            findings.append(Finding(.warning, "gateway", "not queried, because the credentials have problems"))
        }
        waits("the receiver")
        let receiver = ReceiverCheck(webhook: configuration.webhook)
        let finding = receiver.onlineFinding(connects: true, refusals: status?.endpoints.refusals ?? [])
        return findings + [finding].compactMap(\.self)
    }

    /// Names the cause of a gateway's problem, and a command; the check itself has just been made.
    ///
    /// - Parameters:
    ///   - finding: What the check found.
    ///   - problem: Why the query failed. Unlike the finding, it has none of refundd's own advice.
    ///   - settings: The gateway's section of the configuration.
    /// - Returns: The finding with a command, if it is a problem.
    func explained(_ finding: Finding, _ problem: String, _ settings: GatewaySettings?) -> Finding {
        guard finding.gravity == .problem else { return finding }
        let name = String(finding.subject.dropFirst("gateway ".count))
        if let clock = ClockCheck.problem(with: name, problem) { return clock }
        guard let remedy = GatewayProtocols.known.remedy(for: problem, of: name, settings) else {
            let trust = settings?.caFile.map { "--cacert \($0.asShellWord) " } ?? ""
            let command = "curl -sSv -o /dev/null \(trust)\((settings?.url ?? "").asShellWord)"
            return Finding(.problem, finding.subject, finding.text, run: command)
        }
        let restart = unit == nil ? "refundd check --online" : "systemctl restart refundd"
        return Finding(.problem, finding.subject, remedy.cause, run: remedy.command ?? restart)
    }
}

extension [Finding] {
    /// Merges what the queue knows of each gateway's problem into what a check has just found of it.
    ///
    /// - Parameter online: The findings of the check.
    /// - Returns: All findings, with one problem per gateway.
    func settled(by online: [Finding]) -> [Finding] {
        var (kept, merged) = (self, online)
        for index in merged.indices where merged[index].gravity == .problem {
            let now = merged[index]
            guard let known = kept.firstIndex(where: { $0.isGatewayProblem && $0.subject == now.subject }) else {
                continue
            }
            let figures = kept.remove(at: known).text
            merged[index].text = figures.contains(now.text) ? figures : "\(now.text) (\(figures))"
        }
        return kept + merged
    }
}

extension Finding {
    // A pause is no failure.
    fileprivate var isGatewayProblem: Bool {
        gravity == .problem && subject.hasPrefix("gateway ") && command?.hasPrefix("refundd resume") != true
    }
}
