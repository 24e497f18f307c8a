import RefundConfiguration
import RefundCore
import RefundStore

/// What a user may check who is neither root nor the service.
extension Doctor {
    /// Whether this user sees too little of the service to judge it.
    func isBlind(_ daemon: DaemonPresence) -> Bool { unit?.isHidden(from: .current, daemon) == true }

    /// Checks what this user can see, and says once what it cannot.
    func blindFindings(
        _ configuration: DatabaseConfiguration,
        _ provider: any StoreProvider
    ) -> [Finding] {
        var findings = configuration.problems.map(configurationFinding)
        findings.append(.hidden(from: ServiceUser.current.name, run: "sudo refundd doctor"))
        do throws(StoreError) {
            let store = try provider.open(.readOnly)
            defer { store.close() }
            let report = try QueueReport(of: store, configuration)
            let others = report.findings.filter { !["configuration", "user"].contains($0.subject) }
            findings += others.isEmpty ? [Finding(.fine, "queue", "no refund needs attention")] : others
            findings.append(ClockCheck.finding(report.status, window: configuration.clockWindow))
        } catch {
            findings.append(ClockCheck.finding(window: configuration.clockWindow))
        }
        return findings
    }
}

extension Finding {
    /// A user's view is too narrow; as root, the command sees everything.
    static func hidden(from name: String, run command: String) -> Finding {
        Finding(.warning, "user", "you are \(name) and cannot see keys and service", run: command)
    }
}
