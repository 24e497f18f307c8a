import Foundation
package import RefundConfiguration
import RefundCore
package import RefundStore

/// The daemon as a command sees it: its lock, and its own answer at the admin address.
package struct DaemonReport: Hashable, Sendable {
    /// Whether it serves the database.
    package var presence: DaemonPresence
    /// Every daemon that serves it and has described itself, the oldest first.
    package var daemons: [ServingDaemon] = []
    /// What it answers when asked whether it is ready; nil if it was not asked or does not answer.
    package var readiness: AdminProbe.Answer?
    /// Why the last daemon no longer trusted the database; nil if it did.
    package var distrust: String?
    /// The other process that keeps it from writing; nil if there is none, or it cannot be seen.
    package var writer: QueueWriterProcess?
    /// Why the service manager does not keep it running; nil if it does, or nothing is known.
    package var obstacle: String?
    /// Whether its process is stopped, as by SIGSTOP.
    package var isStopped = false
    /// What else an operator should know about its unit.
    var unitFindings: [Finding] = []
    /// The command that starts it, or shows why it does not run.
    package var startCommand: String

    /// Creates a report.
    package init(
        presence: DaemonPresence,
        readiness: AdminProbe.Answer? = nil,
        distrust: String? = nil,
        writer: QueueWriterProcess? = nil,
        startCommand: String = "systemctl start refundd"
    ) {
        self.presence = presence
        self.readiness = readiness
        self.distrust = distrust
        self.writer = writer
        self.startCommand = startCommand
    }

    /// Looks at the daemon of a configuration; waits a few seconds at most for its answer.
    ///
    /// - Parameters:
    ///   - configuration: The configuration.
    ///   - asksForReadiness: Whether to ask the daemon itself, too.
    /// - Throws: `StoreError` if the configuration names no queue that a store knows.
    package init(of configuration: DatabaseConfiguration, asksForReadiness: Bool = true) throws(StoreError) {
        let provider = try StoreProviders.provider(for: configuration.database)
        let presence = provider.daemon
        var readiness: AdminProbe.Answer?
        if asksForReadiness, case .running = presence, !presence.isStarting,
            let address = configuration.whole?.admin.listen
        {
            readiness = AdminProbe(address).answer()
        }
        let unit = ServiceUnit.serving(configuration)
        let isUnits = ServiceUnit.isManagerRunning && unit != nil
        self.init(
            presence: presence,
            readiness: readiness,
            distrust: provider.distrust,
            writer: readiness?.isReady == false || asksForReadiness && presence.isStarting ? provider.writer : nil,
            startCommand: isUnits
                ? "systemctl start refundd" : "refundd run --config \(configuration.file.asShellWord)"
        )
        daemons = provider.daemons
        if case .running(let daemon?) = presence { isStopped = Self.isStopped(daemon.pid) }
        guard isUnits else { return }
        let state = UnitState.current()
        unitFindings = state.notes
        guard case .absent = presence else { return }
        explainAbsence(state, isHidden: unit?.isHidden(from: .current, presence) == true) {
            Doctor(file: configuration.file, environment: [:]).startCause(configuration)
        } lastWords: {
            UnitState.lastWords
        }
    }

    /// Says why the service manager does not keep the daemon running; the exit status alone says nothing to an operator.
    ///
    /// - Parameters:
    ///   - state: What the service manager says.
    ///   - isHidden: Whether this user cannot see what the service sees.
    ///   - cause: Looks for what keeps the daemon from starting.
    ///   - lastWords: Looks for what the daemon said last.
    mutating func explainAbsence(
        _ state: UnitState,
        isHidden: Bool = false,
        cause: () -> Finding?,
        lastWords: () -> String?
    ) {
        // Without D-Bus, systemctl answers only root.
        if isHidden, state.active.isEmpty { startCommand = Self.rootsView }
        guard let (reason, command) = state.obstacle() else { return }
        (obstacle, startCommand) = (reason, command)
        guard state.hasFailed else { return }
        guard !isHidden else {
            startCommand = Self.rootsView
            return
        }
        if let cause = cause() {
            obstacle = "refundd cannot start: \(cause.text)"
            startCommand = cause.command ?? command
            return
        }
        if let words = lastWords() { obstacle = "\(reason): \(words)" }
        if state.isMisconfigured {
            obstacle? += "; its configuration and keys look right by now"
            startCommand = "systemctl restart refundd"
        }
    }

    // Another machine's process has another name here, if any. Source: proc(5), `/proc/PID/stat`.
    private static func isStopped(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.hasPrefix("\(pid) (refundd) T")
    }

    /// The command with which root sees what this user cannot.
    static let rootsView = "sudo refundd status"

    /// Why the daemon does not run, with the command that can work; nil if it runs, or nothing is known.
    var absence: String? { obstacle.map { "\($0); run: \(startCommand)" } }

    /// Whether a daemon serves the database, as far as this user can see.
    package var isRunning: Bool {
        if case .absent = presence { false } else { true }
    }
}

extension CommandFailure {
    /// The failure of `status` to read a queue: why the service does not run comes first, and what is hidden last.
    ///
    /// - Parameter configuration: The configuration.
    /// - Returns: The failure with its explanations.
    package func explained(_ configuration: DatabaseConfiguration) -> CommandFailure {
        guard let report = try? DaemonReport(of: configuration, asksForReadiness: false) else { return self }
        let isHidden = ServiceUnit.serving(configuration)?.isHidden(from: .current, report.presence) == true
        let user = ServiceUser.current.name
        let hint = isHidden ? Finding.hidden(from: user, run: DaemonReport.rootsView).line : nil
        var absence = report.absence
        if absence == nil, !isHidden, !report.isRunning {
            let cause = Doctor(file: configuration.file, environment: [:]).startCause(configuration)
            absence = cause.map { "refundd cannot start: \($0.line)" }
        }
        return CommandFailure(status, [absence].compactMap(\.self) + messages + [hint].compactMap(\.self))
    }

    /// The failure with a first line like that of `status`, which names a command.
    ///
    /// - Parameter command: The command, if the message names none.
    /// - Returns: The failure.
    package func asHeadline(run command: String) -> CommandFailure {
        guard let first = messages.first else { return self }
        let remedy = first.contains("run: ") ? "" : "; run: \(command)"
        return CommandFailure(status, ["NOT HEALTHY: \(first)\(remedy)"] + messages.dropFirst())
    }
}

extension ServingDaemon {
    /// Whether it runs on this machine.
    package var isHere: Bool { host.map { $0 == ProcessInfo.processInfo.hostName } ?? true }
}
