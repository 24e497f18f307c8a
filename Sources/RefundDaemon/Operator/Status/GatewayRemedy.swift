import RefundCore
import RefundStore

/// What is wrong between refundd and a gateway, as far as its last failure tells, and what ends it.
struct GatewayRemedy: Hashable {
    /// The cause, in one sentence with what to do.
    let cause: String
    /// The command.
    let command: String

    /// Judges a failure.
    ///
    /// - Parameters:
    ///   - error: Why the last query failed.
    ///   - gateway: The gateway's name.
    ///   - settings: Its keys, with the files that an operator replaces.
    ///   - restart: The command that makes the daemon read the files.
    init?(_ error: String, gateway: String, _ settings: GatewaySettings?, restart: String) {
        let (publicKey, privateKey) = (settings?.publicKeyFiles.last, settings?.privateKeyFile)
        if error.contains("signed by none of the configured public keys") {
            let name = publicKey?.fileName ?? "public_key_files"
            let place = publicKey.map { " as \($0)" } ?? ""
            cause = "gateway \(gateway) signs with another key than \(name); save the key from its portal\(place)"
            command = restart
            return
        }
        guard error.contains("SYS002"), let privateKey else { return nil }
        cause =
            "gateway \(gateway) refuses our signature: the portal has another public key for app_id"
            + " \(settings?.appID ?? "") than this one"
        command = "openssl pkey -in \(privateKey.asShellWord) -pubout"
    }
}

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
            guard let remedy = GatewayRemedy(error, gateway: name, settings[name], restart: restart) else { continue }
            return Finding(.problem, finding.subject, "\(remedy.cause) (\(finding.text))", run: remedy.command)
        }
        guard incident?.kind != .misconfigured else { return finding }
        let text = "\(finding.text); nothing is lost, refundd goes on by itself"
        return Finding(.problem, finding.subject, text, run: finding.command)
    }

    private static let onlineCheck = "refundd check --online"
}
