import RefundCore
import RefundStore

/// Problems of gateways with their causes.
extension QueueReport {
    /// Names the cause of a gateway's problem, and the command that ends it, in front of its figures.
    func explained(_ finding: Finding) -> Finding {
        guard finding.command == Self.onlineCheck, finding.subject.hasPrefix("gateway ") else { return finding }
        guard finding.gravity == .problem else {
            return Finding(finding.gravity, finding.subject, finding.text, run: askingCommand)
        }
        let name = String(finding.subject.dropFirst("gateway ".count))
        let incident = status.incidents[name]
        let errors = [incident?.message, status.sightings[name]?.lastError].compactMap(\.self)
        for error in errors {
            if let clock = ClockCheck.problem(with: name, error) { return clock }
        }
        guard outsider == nil else {
            return Finding(.problem, finding.subject, finding.text, run: askingCommand)
        }
        let restart = daemon.startCommand.hasPrefix("systemctl") ? "systemctl restart refundd" : Self.onlineCheck
        for error in errors + [incident?.code].compactMap(\.self) {
            guard let remedy = GatewayProtocols.known.remedy(for: error, of: name, settings[name]) else { continue }
            if let new = newKey(remedy, name, finding) { return new }
            let text = "\(remedy.cause)\(replacedKey(remedy, name)) (\(finding.text))"
            return Finding(.problem, finding.subject, text, run: remedy.command ?? restart)
        }
        guard incident?.kind != .misconfigured else { return finding }
        let text = "\(finding.text); \(Self.reassurance)"
        return Finding(.problem, finding.subject, text, run: finding.command)
    }

    // Only root sees the keys that the check needs.
    private var askingCommand: String { outsider == nil ? Self.onlineCheck : "sudo \(Self.onlineCheck)" }

    // A key that was replaced while the gateway failed may be the repair: first the daemon reads it, then it is tried.
    private func newKey(_ remedy: GatewayRemedy, _ name: String, _ finding: Finding) -> Finding? {
        guard let changes = credentialChanges, let suspect = remedy.suspect, let settings = settings[name] else {
            return nil
        }
        let files = suspect == .ourKey ? [settings.privateKeyFile] : settings.publicKeyFiles
        if !changes.unread.isDisjoint(with: files), let unread = changes.finding() {
            return Finding(.problem, finding.subject, "\(unread.text) (\(finding.text))", run: unread.command)
        }
        let condition = status.condition(of: name)
        guard let since = condition.since, let failed = status.sightings[name]?.lastErrorAt, failed < changes.readAt,
            let file = files.last(where: { path in CredentialChanges.time(of: path).map { $0 > since } ?? false })
        else { return nil }
        let probe = condition.breaker?.nextProbe(from: now) ?? ""
        let text = "the new key \(file.fileName) has not been tried yet\(probe) (\(finding.text))"
        return Finding(.problem, finding.subject, text, run: Self.onlineCheck)
    }

    // A key that was replaced by mistake, before the gateway failed, is still at hand.
    private func replacedKey(_ remedy: GatewayRemedy, _ name: String) -> String {
        guard remedy.suspect == .ourKey, let file = settings[name]?.privateKeyFile,
            let changed = CredentialChanges.time(of: file), let last = status.sightings[name]?.lastVerified,
            changed > last, let failed = status.condition(of: name).since, changed <= failed
        else { return "" }
        return "; \(file.fileName) was replaced at \(changed.iso8601Seconds), after the last verified answer"
            + " (\(last.iso8601Seconds)): put the old key back, or give the portal this public half,"
            + " then run systemctl restart refundd"
    }

    private static let onlineCheck = "refundd check --online"
}
