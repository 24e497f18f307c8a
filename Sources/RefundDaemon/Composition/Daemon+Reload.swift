import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore

extension Daemon {
    private static let retryInterval: Duration = .seconds(1)

    /// The parts that a reload replaces: all of them, or none.
    private struct Candidate {
        let loaded: LoadedConfiguration
        let connections: Connections
        let admin: AdminListener?
        /// Whether the admin address is unchanged, so that its listener stays.
        let keepsAdmin: Bool
    }

    /// Reads the configuration again and applies it.
    ///
    /// While the database is busy, the reload is retried until it succeeds or a newer file replaces it. An invalid file
    /// changes nothing.
    func reload(_ parts: Parts) async {
        // The previous reload may already have read the newest file.
        guard isReloadRequested else { return }
        note(notifier.reloading())
        defer { note(notifier.ready()) }
        var candidate: Candidate?
        var isWaiting = false
        while !Task.isCancelled {
            if isReloadRequested, let newer = await prepare(parts, insteadOf: candidate) { candidate = newer }
            guard let next = candidate else { return Metric.lastReloadSuccessful.set(0, in: parts.registry) }
            switch await apply(next.connections.settings, parts.scheduler) {
            case .success?:
                parts.registry.setGateways(next.connections.settings.gateways.keys.sorted())
                Metric.lastReloadSuccessful.set(1, in: parts.registry)
                parts.heartbeat.use(next.loaded.configuration.heartbeat)
                parts.adminHosts.names = next.loaded.configuration.admin.hosts
                parts.database.noteReload(at: SystemClock().now())
                return replace(with: next)
            case .failure(let error)?:
                if !isWaiting {
                    logger.warning("the reload waits for the database", metadata: ["error": "\(error)"])
                    isWaiting = true
                }
                try? await Task.sleep(for: Self.retryInterval)
            case nil: break
            }
        }
        guard let candidate else { return }
        if !candidate.keepsAdmin { candidate.admin?.stop() }
        abandonedConnections.append(candidate.connections)
    }

    private func apply(_ settings: SchedulerSettings, _ scheduler: Scheduler) async -> Result<Void, StoreError>? {
        await untilCancelled {
            do throws(StoreError) {
                return .success(try await scheduler.apply(settings))
            } catch {
                return .failure(error)
            }
        }
    }

    private func replace(with new: Candidate) {
        if !new.keepsAdmin { admin?.stop() }
        admin = new.admin
        connections?.retire()
        connections = new.connections
        use(new.loaded)
    }

    // Prepares everything that a new configuration needs, so that applying it cannot fail halfway.
    private func prepare(_ parts: Parts, insteadOf old: Candidate?) async -> Candidate? {
        guard let new = await reread() else { return nil }
        do throws(CommandFailure) {
            let connections = try Connections(new.configuration, new.credentials)
            let address = new.configuration.admin.listen
            if let old, address == old.loaded.configuration.admin.listen {
                old.connections.shutDown()
                return Candidate(loaded: new, connections: connections, admin: old.admin, keepsAdmin: old.keepsAdmin)
            }
            let keepsAdmin = address == loaded.configuration.admin.listen
            let listener = keepsAdmin ? admin : await listen(new.configuration, parts)
            // The current address may still be retrying; a new one must work at once.
            if !keepsAdmin, let error = listener?.firstFailure {
                listener?.stop()
                throw CommandFailure(.configuration, ["\(new.configuration.file): \(error)"])
            }
            if let old {
                if !old.keepsAdmin { old.admin?.stop() }
                old.connections.shutDown()
            }
            return Candidate(loaded: new, connections: connections, admin: listener, keepsAdmin: keepsAdmin)
        } catch {
            reportRefusal(error)
            return nil
        }
    }

    /// Reads the configuration file again.
    ///
    /// - Returns: The configuration, or nil if it is invalid; the reasons are then logged.
    func reread() async -> LoadedConfiguration? {
        isReloadRequested = false
        let new: Result<LoadedConfiguration, CommandFailure>? = await onDedicatedThread(grace: .zero) {
            [loaded, environment] in
            Result { () throws(CommandFailure) in try loaded.reloaded(environment: environment) }
        }
        if case .failure(let error)? = new { reportRefusal(error) }
        return try? new?.get()
    }

    private func reportRefusal(_ error: CommandFailure) {
        for problem in error.messages {
            logger.error(
                "reload failed, keeping the current configuration",
                metadata: ["problem": "\(problem)"].id(.reloadFailed)
            )
        }
    }

    /// Applies a configuration's settings for the daemon itself.
    func use(_ new: LoadedConfiguration) {
        let changes = new.changes(since: loaded)
        loaded = new
        log.change(level: new.logLevel, format: new.logFormat(environment: environment))
        var metadata: Logger.Metadata = [
            "changed": "\(changes.isEmpty ? "nothing" : changes.joined(separator: ", "))"
        ]
        if changes.isEmpty, environment["CREDENTIALS_DIRECTORY"]?.isEmpty == false {
            metadata["hint"] = "systemd passes keys and secrets only at start; for new ones, systemctl restart refundd"
        }
        logger.notice("configuration reloaded", metadata: metadata.id(.reloaded))
    }

    /// Serves the admin address of a configuration, if it has one.
    func listen(_ configuration: Configuration, _ parts: Parts) async -> AdminListener? {
        guard let address = configuration.admin.listen else { return nil }
        return await AdminListener(address, parts, logger)
    }
}
