import Glibc
import RefundConfiguration
import RefundCore
import RefundStore

/// What a user may check who is neither root nor the service.
extension Doctor {
    /// Whether this user sees too little of the service to judge it: what is hidden would seem to be missing.
    func isBlind(_ configuration: DatabaseConfiguration, _ user: ServiceUser) -> Bool {
        geteuid() != 0 && user.id != geteuid() && unit != nil && configuration.file == ServiceUnit.configuration
    }

    /// Checks what this user can see, and says once what it cannot.
    func blindFindings(
        _ configuration: DatabaseConfiguration,
        _ provider: any StoreProvider
    ) -> [Finding] {
        let name = ServiceUser.current.name
        var findings = configuration.problems.map(configurationFinding)
        findings.append(
            Finding(.warning, "user", "you are \(name) and cannot see keys and service", run: "sudo refundd doctor")
        )
        do throws(StoreError) {
            let store = try provider.open(.readOnly)
            defer { store.close() }
            let report = try QueueReport(of: store, configuration)
            let others = report.findings.filter { $0.subject != "configuration" }
            findings += others.isEmpty ? [Finding(.fine, "queue", "no refund needs attention")] : others
            findings.append(ClockCheck.finding(report.status, window: configuration.clockWindow))
        } catch {
            findings.append(ClockCheck.finding(window: configuration.clockWindow))
        }
        return findings
    }
}
