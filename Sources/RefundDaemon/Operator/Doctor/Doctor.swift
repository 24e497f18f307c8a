import Glibc
import RefundConfiguration
package import RefundCore
import RefundStore

/// Checks everything as the service would see it.
package struct Doctor: Sendable {
    // The subjects whose problems keep the daemon from starting.
    private static let startSubjects: Set = ["configuration", "credentials", "database", "admin address"]

    private let file: String
    private let environment: [String: String]
    // The unit whose daemon reads the file; nil if none does.
    let unit: ServiceUnit?
    private let isAnothers: Bool

    /// Creates a doctor.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - environment: The process's environment.
    package init(file: String, environment: [String: String]) {
        self.init(file: file, environment: environment, installed: .installed())
    }

    init(file: String, environment: [String: String], installed: ServiceUnit?) {
        self.file = file
        self.environment = environment
        isAnothers = installed != nil && file != ServiceUnit.configuration
        unit = isAnothers ? nil : installed
    }

    /// Runs every check.
    ///
    /// - Parameters:
    ///   - isOnline: Whether to query the gateways and resolve the receiver, too.
    ///   - waits: Called with what the doctor waits for, such as `gateway default`.
    /// - Returns: What was found, in the order of the checks.
    package func findings(isOnline: Bool, _ waits: (String) -> Void = { _ in }) async -> [Finding] {
        waits("the database")
        let partial: DatabaseConfiguration
        do throws(ConfigurationError) {
            partial = try ConfigurationLoader.database(file: file, environment: environment)
        } catch {
            return error.problems.map(configurationFinding) + [ClockCheck.finding()]
        }
        let provider: any StoreProvider
        do throws(StoreError) {
            provider = try StoreProviders.provider(for: partial.database)
        } catch {
            return [Finding(.problem, "configuration", error.description)]
        }
        let daemon = provider.daemon
        let user = ServiceUnit.user(of: daemon, unit) ?? provider.owner ?? .current
        if isBlind(daemon) { return blindFindings(partial, provider) }
        var findings = partial.problems.map(configurationFinding)
        if let configuration = partial.whole {
            findings.append(Finding(.fine, "configuration", "\(configuration.file) is valid"))
            findings += credentialFindings(configuration, user)
            findings += adminFindings(configuration, daemon)
            if configuration.heartbeat.url != nil {
                let interval = configuration.heartbeat.interval.formatted
                findings.append(
                    Finding(.fine, "heartbeat", "a monitor hears every \(interval) that work gets done")
                )
            }
        }
        var report: QueueReport?
        findings += databaseFindings(partial, provider, user, &report)
        findings.append(ClockCheck.finding(report?.status, window: partial.clockWindow))
        waits("systemd")
        // A daemon that does not run is the unit's problem.
        let isRepaired = !findings.contains { $0.gravity == .problem && Self.startSubjects.contains($0.subject) }
        let ofUnit =
            isAnothers
            ? [Finding(.note, "unit", "refundd.service reads \(ServiceUnit.configuration), not this file")]
            : UnitCheck(unit: unit, daemon: daemon, isRepaired: isRepaired).findings()
        if case .absent = daemon, ofUnit.contains(where: { $0.gravity == .problem }) {
            findings.removeAll { $0.subject == "daemon" && $0.gravity == .problem }
        }
        findings += ofUnit
        if let configuration = partial.whole, isOnline {
            // A wrong clock explains every refusal.
            let hasClock = findings.contains { $0.subject == "clock" && $0.gravity == .problem }
            let online = await onlineFindings(configuration, report?.status, waits).filter {
                !hasClock || !$0.text.contains("clock is")
            }
            findings = findings.settled(by: online)
        }
        return findings.withoutRepetitions
    }

    func configurationFinding(_ problem: ConfigurationProblem) -> Finding {
        let next = unit == nil ? "refundd check" : "refundd check && systemctl restart refundd"
        return Finding(.problem, "configuration", "\(problem)", run: "${EDITOR:-vi} \(file.asShellWord) && \(next)")
    }

    func credentialFindings(_ configuration: Configuration, _ user: ServiceUser) -> [Finding] {
        let configuration = configuration.readingCredentials(of: unit)
        try? ProcessMemory.hide()
        let (credentials, problems) = Credentials.load(configuration, isForDaemon: false)
        var findings = CredentialAdvice(isUnits: unit != nil).findings(problems)
        // Root reads what the unit loads, and hands it to the daemon.
        let own = configuration.credentialFiles.subtracting(unit?.credentials.values.map(\.self) ?? [])
            .subtracting(problems.filter(\.isMissingFile).compactMap(\.path))
        if geteuid() == 0 {
            findings += CredentialAdvice.unreadable(own, certificates: configuration.certificateFiles, for: user)
        }
        findings += ConfigurationCheck.keyProblems(credentials).map { problem in
            Finding(.problem, "credentials", problem, run: unit == nil ? "refundd check" : "systemctl restart refundd")
        }
        if let problem = ReceiverCheck(webhook: configuration.webhook).offlineProblem() {
            findings.append(Finding(.problem, "receiver", "webhook.url: \(problem)"))
        }
        return findings.isEmpty ? [Finding(.fine, "credentials", "keys and secrets are readable and sound")] : findings
    }

    private func adminFindings(_ configuration: Configuration, _ daemon: DaemonPresence) -> [Finding] {
        guard let address = configuration.admin.listen else { return [] }
        guard let problem = AdminAddressCheck(address: address, daemon: daemon).problem() else {
            return [Finding(.fine, "admin address", "\(address) is free, or the daemon's own")]
        }
        let command = address.socketPath == nil ? "ss -ltnp 'sport = :\(address.port)'" : "ss -lxp"
        return [Finding(.problem, "admin address", problem, run: command)]
    }

    private func databaseFindings(
        _ configuration: DatabaseConfiguration,
        _ provider: any StoreProvider,
        _ user: ServiceUser,
        _ found: inout QueueReport?
    ) -> [Finding] {
        var findings = placeFindings(provider, user)
        if findings.isEmpty {
            let text = "\(provider.location) is sound, and user \(user.name) can write it"
            findings.append(Finding(.fine, "database", text))
        }
        findings.append(provider.wakeFinding())
        findings += provider.advice()
        do throws(StoreError) {
            let store = try provider.open(.readOnly)
            defer { store.close() }
            let report = try QueueReport(of: store, configuration)
            found = report
            let daemons = report.status.daemons.map { "\($0.host ?? "this machine") (process \($0.pid))" }
            if !daemons.isEmpty {
                let text = "served by \(daemons.count.counted("daemon", "daemons")): \(daemons.joined(separator: ", "))"
                findings.append(Finding(.fine, "daemons", text))
            }
            // The disk and the configuration have been checked above.
            let others = report.findings.filter { finding in
                !["database", "configuration", "clock", "unit"].contains(finding.subject)
                    || finding.text.contains("--accept-restored")
            }.map(\.withoutDoctor)
            findings +=
                others.isEmpty ? [Finding(.fine, "queue", "refundd serves it, and no refund needs attention")] : others
        } catch {
            // The checks above have reported what keeps the queue from being read.
        }
        return findings
    }
}

extension Configuration {
    /// The configuration with the files that a unit's credentials come from.
    ///
    /// A bare name is a credential in a folder that only the daemon sees.
    func readingCredentials(of unit: ServiceUnit?) -> Configuration {
        let (sources, folder) = (unit?.credentials ?? [:], unit?.credentialFolders.first)
        func source(_ path: String) -> String {
            let name = path.fileName
            if unsafe access(path, F_OK) == 0 { return path }
            // A file that is still to be made belongs where systemd looks.
            return sources[name] ?? (path.folder == file.folder ? folder.map { "\($0)/\(name)" } : nil) ?? path
        }
        var configuration = self
        configuration.gateways = gateways.mapValues { gateway in
            var gateway = gateway
            gateway.privateKeyFile = source(gateway.privateKeyFile)
            gateway.publicKeyFiles = gateway.publicKeyFiles.map(source)
            return gateway
        }
        configuration.webhook.secretFiles = webhook.secretFiles.map(source)
        configuration.database.passwordFile = database.passwordFile.map(source)
        return configuration
    }
}

extension Finding {
    /// The finding with a command that says more than the doctor's own report.
    fileprivate var withoutDoctor: Finding {
        guard let command, ["refundd doctor", "refundd check --online"].contains(command) else { return self }
        return Finding(gravity, subject, text, run: "journalctl -u refundd -n 20 --no-pager")
    }
}
