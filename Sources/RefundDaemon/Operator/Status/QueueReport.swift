package import RefundConfiguration
package import RefundCore
import RefundScheduler
package import RefundStore

/// Everything that `status` shows.
package struct QueueReport: Sendable {
    /// The time of the report.
    package var now: Timestamp
    /// The daemon.
    package var daemon: DaemonReport
    /// The queue in figures.
    package var status: QueueStatus
    /// The gateways by name: the configured ones, and those that the queue knows.
    package var gateways: [String]
    /// The database.
    package var database = ""
    /// The problems of the configuration, none of which keeps a command from reading.
    package var configurationProblems: [String] = []
    /// Findings about the database itself.
    package var databaseFindings: [Finding] = []
    /// When the files of keys and secrets changed; nil if no daemon of this machine reads them.
    var credentialChanges: CredentialChanges?
    /// Findings about keys and secrets that the daemon has not read.
    package var credentialFindings: [Finding] = []
    /// The configured gateways, with the files that an operator replaces; empty if the configuration is invalid.
    package var settings: [String: GatewaySettings] = [:]
    /// The newest pending refunds in groups whose order numbers begin alike, the largest first; empty if few wait.
    package var groups: [RefundGroup] = []
    /// Findings about the disk.
    package var diskFindings: [Finding] = []
    /// The user who asks, if it cannot see keys and service; nil if it can.
    package var outsider: String?

    /// Creates a report from its parts.
    package init(at now: Timestamp, _ daemon: DaemonReport, _ status: QueueStatus, gateways: [String]) {
        self.now = now
        self.daemon = daemon
        self.status = status
        self.gateways = gateways
        if !daemon.isRunning || daemon.readiness?.isReady == false { forgetProbes() }
    }

    // Nobody sends them.
    private mutating func forgetProbes() {
        for name in status.breakers.keys { status.breakers[name]?.nextProbe = nil }
        for index in status.endpoints.open.indices { status.endpoints.open[index].breaker.nextProbe = nil }
    }

    /// Makes the report of a queue.
    ///
    /// - Parameters:
    ///   - store: The queue.
    ///   - configuration: The configuration, of which everything but `[database]` may be invalid.
    ///   - user: The user that runs the daemon; nil to find it out.
    /// - Throws: `StoreError` if the database cannot be read.
    package init(
        of store: any QueueStore,
        _ configuration: DatabaseConfiguration,
        servedBy user: ServiceUser? = nil
    ) throws(StoreError) {
        let now = SystemClock().now()
        let status = try store.read { tx throws(StoreError) in try tx.status(at: now) }
        let configured = configuration.whole?.gateways.keys.map(\.self) ?? []
        let paused = status.pauses.keys.filter { $0.kind == .gateway }.map(\.name)
        let known = Set(configured).union(status.incidents.keys).union(status.breakers.keys).union(paused)
        let seen = configured.isEmpty ? known.union(status.sightings.keys) : known
        self.init(at: now, try DaemonReport(of: configuration), status, gateways: seen.sorted())
        if configuration.whole != nil { self.status.forgetLags(exceptOf: configured) }
        database = store.location
        if status.openCount >= Self.largeBacklog, status.dueLag > .zero {
            groups = try store.read { tx throws(StoreError) in
                RefundGroup.grouping(try tx.members(RefundFilter(state: .pending), newest: Self.grouped))
            }
        }
        do throws(StoreError) {
            try store.checkPositions()
        } catch  where error.kind == .restored {
            let command = "refundd init --accept-restored"
            databaseFindings = [Finding(.problem, "database", error.description, run: command)]
        }
        let provider = try StoreProviders.provider(for: configuration.database)
        let unit = ServiceUnit.serving(configuration)
        settings = configuration.whole?.gateways ?? [:]
        if unit?.isHidden(from: .current, daemon.presence) == true {
            outsider = ServiceUser.current.name
        } else {
            let user = user ?? ServiceUnit.user(of: daemon.presence, unit)
            judgeFiles(configuration, provider, unit, user)
        }
        configurationProblems = configuration.problems.map(\.description)
        diskFindings = provider.spaceFindings()
    }

    // What the daemon has read, and whether it may still use its files.
    private mutating func judgeFiles(
        _ configuration: DatabaseConfiguration,
        _ provider: any StoreProvider,
        _ unit: ServiceUnit?,
        _ user: ServiceUser?
    ) {
        // Only a daemon of this machine reads this machine's files.
        if let serving = daemon.daemons.first(where: \.isHere), let whole = configuration.whole {
            let sources = unit?.credentials ?? [:]
            let changes = CredentialChanges(sources: sources, files: whole.credentialFiles, daemon: serving)
            credentialChanges = changes
            credentialFindings = [changes.finding(), changes.finding(about: whole.file)].compactMap(\.self)
        }
        settings = configuration.whole?.readingCredentials(of: unit).gateways ?? [:]
        guard let user else { return }
        let access = provider.accessFindings(for: user)
        // A daemon that runs was let in.
        let sandbox =
            daemon.isRunning ? nil : unit.flatMap { SandboxCheck(unit: $0, user: user).finding(provider.location) }
        databaseFindings += sandbox?.settling(access) ?? access
    }

    /// Whether no operator is needed.
    package var isHealthy: Bool { !findings.contains { $0.gravity == .problem } }
}
