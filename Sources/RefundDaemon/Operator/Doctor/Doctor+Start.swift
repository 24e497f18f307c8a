import Glibc
import RefundConfiguration
import RefundCore
import RefundStore

/// Why the service cannot start.
extension Doctor {
    /// Looks for what keeps the service from starting; asks no gateway.
    ///
    /// - Parameter configuration: The configuration, which may be invalid.
    /// - Returns: The gravest cause with the command that removes it; nil if it is another program's configuration, or
    ///   everything is as it should be.
    func startCause(_ configuration: DatabaseConfiguration) -> Finding? {
        guard let user = unit?.serviceUser else { return nil }
        if let problem = configuration.problems.first { return configurationFinding(problem) }
        guard let provider = try? StoreProviders.provider(for: configuration.database) else { return nil }
        let credentials =
            geteuid() == 0 ? configuration.whole.map { credentialFindings($0, user) } ?? [] : []
        return (credentials + placeFindings(provider, user)).first { $0.gravity == .problem }
    }

    /// Judges the place of the queue, for the user and within the sandbox of the service.
    func placeFindings(_ provider: any StoreProvider, _ user: ServiceUser) -> [Finding] {
        let findings = provider.findings(for: user)
        guard let sandboxed = unit.flatMap({ SandboxCheck(unit: $0, user: user).finding(provider.location) }) else {
            return findings
        }
        return sandboxed.settling(findings)
    }
}
