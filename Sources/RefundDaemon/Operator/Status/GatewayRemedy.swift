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
        let restart = daemon.startCommand.hasPrefix("systemctl") ? "systemctl restart refundd" : Self.onlineCheck
        for error in errors + [incident?.code].compactMap(\.self) {
            guard let remedy = GatewayProtocols.known.remedy(for: error, of: name, settings[name]) else { continue }
            let text = "\(remedy.cause) (\(finding.text))"
            return Finding(.problem, finding.subject, text, run: remedy.command ?? restart)
        }
        guard incident?.kind != .misconfigured else { return finding }
        let text = "\(finding.text); nothing is lost, refundd goes on by itself"
        return Finding(.problem, finding.subject, text, run: finding.command)
    }

    private static let onlineCheck = "refundd check --online"
}
