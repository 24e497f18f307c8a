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
        let isUnits = ServiceUnit.isManagerRunning && ServiceUnit.installed() != nil
        self.init(
            presence: presence,
            readiness: readiness,
            distrust: provider.distrust,
            writer: readiness?.isReady == false || asksForReadiness && presence.isStarting ? provider.writer : nil,
            startCommand: isUnits
                ? "systemctl start refundd" : "refundd run --config \(configuration.file.asShellWord)"
        )
        daemons = provider.daemons
        guard case .absent = presence, isUnits else { return }
        let state = UnitState.current()
        guard let (reason, command) = state.obstacle() else { return }
        (obstacle, startCommand) = (reason, command)
        guard state.hasFailed else { return }
        // The exit status alone says nothing to an operator.
        if let cause = Doctor(file: configuration.file, environment: [:]).startCause(configuration) {
            obstacle = "refundd cannot start: \(cause.text)"
            startCommand = cause.command ?? command
        } else if let words = UnitState.lastWords {
            obstacle = "\(reason): \(words)"
        }
    }

    /// Whether a daemon serves the database, as far as this user can see.
    package var isRunning: Bool {
        if case .absent = presence { false } else { true }
    }
}

extension ServingDaemon {
    /// Whether it runs on this machine.
    package var isHere: Bool { host.map { $0 == ProcessInfo.processInfo.hostName } ?? true }
}
