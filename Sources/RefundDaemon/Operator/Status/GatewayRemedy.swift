import RefundCore
import RefundStore

/// Problems of gateways with their causes.
extension QueueReport {
    /// Names the cause of a gateway's problem, and the command that ends it, in front of its figures.
    func explained(_ finding: Finding) -> Finding {
        guard finding.gravity == .problem, finding.command == Self.onlineCheck, finding.subject.hasPrefix("gateway ")
        else { return finding }
        let name = String(finding.subject.dropFirst("gateway ".count))
        let incident = status.incidents[name]
        let errors = [incident?.message, status.sightings[name]?.lastError].compactMap(\.self)
        for error in errors {
            if let clock = ClockCheck.problem(with: name, error) { return clock }
        }
        guard outsider == nil else {
            return Finding(.problem, finding.subject, finding.text, run: "sudo \(Self.onlineCheck)")
        }
        let restart = daemon.startCommand.hasPrefix("systemctl") ? "systemctl restart refundd" : Self.onlineCheck
        for error in errors + [incident?.code].compactMap(\.self) {
            guard let remedy = GatewayProtocols.known.remedy(for: error, of: name, settings[name]) else { continue }
            let text = "\(remedy.cause)\(replacedKey(remedy, name)) (\(finding.text))"
            return Finding(.problem, finding.subject, text, run: remedy.command ?? restart)
        }
        guard incident?.kind != .misconfigured else { return finding }
        let text = "\(finding.text); \(Self.reassurance)"
        return Finding(.problem, finding.subject, text, run: finding.command)
    }

    // A key that was replaced by mistake is still at hand.
    private func replacedKey(_ remedy: GatewayRemedy, _ name: String) -> String {
        guard remedy.concernsOurKey, let file = settings[name]?.privateKeyFile,
            let changed = CredentialChanges.time(of: file), let last = status.sightings[name]?.lastVerified,
            changed > last
        else { return "" }
        return "; \(file.fileName) was replaced at \(changed.iso8601Seconds), after the last verified answer"
            + " (\(last.iso8601Seconds)): put the old key back, or give the portal this public half,"
            + " then run systemctl restart refundd"
    }

    private static let onlineCheck = "refundd check --online"
}
