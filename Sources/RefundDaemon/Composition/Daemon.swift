import Dispatch
import Foundation
import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundPayCloud
import RefundScheduler
import RefundStoreSQLite
import Synchronization

/// The daemon: puts the parts together, runs them, reloads and drains them.
package final class Daemon: Sendable {
    private static let drainLimit: Duration = .seconds(20)

    private enum Event: Sendable {
        case signal(ProcessSignal)
        case drained
        case drainLimitReached
        case databaseLost(StoreError)
    }

    private let environment: [String: String]
    private let logger = Logger(label: "refundd")
    private let log: LogControl
    private let notifier: ServiceNotifier
    private let signing = SigningPool(threads: ProcessInfo.processInfo.activeProcessorCount)
    private let events: AsyncStream<Event>
    private let tell: AsyncStream<Event>.Continuation
    // Set from a SIGHUP until the configuration is read: however many come meanwhile, it is read once more.
    private let isReloadAwaited = Atomic(false)

    /// What a reload replaces, as a whole or not at all.
    private struct Service {
        var configuration: Configuration
        var connections: Connections
        var admin: AdminListener?
    }

    /// What lives as long as the daemon.
    private struct Core {
        let pipeline: Pipeline
        let database: Database
        let registry: MetricRegistry
    }

    /// Runs the daemon until it is told to stop.
    ///
    /// - Parameters:
    ///   - file: The configuration.
    ///   - environment: The process's environment.
    /// - Throws: `CommandFailure` when it cannot start.
    package static func run(file: String, environment: [String: String]) async throws(CommandFailure) {
        let configuration = try Setup.configuration(file: file, environment: environment)
        let credentials = try Setup.credentials(configuration, isForDaemon: true)
        let log = bootstrapLogging(
            level: Logger.Level(configuration.log.level),
            format: RefundAdmin.LogFormat(configuration.log.format, environment: environment)
        )
        try await Daemon(environment, log).run(configuration, credentials)
    }

    private init(_ environment: [String: String], _ log: LogControl) {
        self.environment = environment
        self.log = log
        notifier = ServiceNotifier(environment: environment)
        (events, tell) = AsyncStream.makeStream()
    }

    private func run(_ configuration: Configuration, _ credentials: Credentials) async throws(CommandFailure) {
        // Signals are caught before anything can be interrupted half way.
        let signals = ProcessSignal.catch { [self] signal in
            if signal == .reload, isReloadAwaited.exchange(true, ordering: .acquiringAndReleasing) { return }
            tell.yield(.signal(signal))
        }
        defer { for signal in signals { signal.cancel() } }
        let database = try Database(
            path: configuration.database.path,
            patience: ImmediateQuery.longest(configuration),
            at: SystemClock().now()
        )
        defer { database.close() }
        let connections = try Connections(configuration, credentials, signing: signing)
        let registry = MetricRegistry(gateways: connections.settings.gateways.keys.sorted())
        Metric.lastReloadSuccessful.set(1, in: registry)
        let reporter = Reporter(logger: logger, metrics: registry)
        let pipeline = Pipeline(
            store: database.store,
            settings: connections.settings,
            clock: SystemClock(),
            report: reporter.report,
            fault: { [tell, notifier] fault in
                reporter.report(fault: fault)
                notifier.status(fault?.description ?? "the database can be written again")
                guard let fault, fault.isBeyondRetrying else { return }
                database.distrust(fault)
                tell.yield(.databaseLost(fault))
            }
        )
        let core = Core(pipeline: pipeline, database: database, registry: registry)
        var service = Service(configuration: configuration, connections: connections)
        do throws(CommandFailure) {
            try await start(pipeline)
        } catch {
            connections.shutDown()
            throw error
        }
        service.admin = await listen(at: configuration, core)
        logger.notice("refundd runs", metadata: ["database": "\(configuration.database.path)"])
        note(notifier.ready())
        try await follow(service, core).get()
    }

    private func start(_ pipeline: Pipeline) async throws(CommandFailure) {
        do {
            try await pipeline.start()
        } catch {
            throw CommandFailure(error)
        }
    }

    // Answers events until one of them ends the daemon.
    private func follow(_ service: Service, _ core: Core) async -> Result<Void, CommandFailure> {
        var service = service
        var isDraining = false
        defer {
            service.admin?.stop()
            service.connections.shutDown()
        }
        for await event in events {
            switch event {
            case .signal(.reload):
                isReloadAwaited.store(false, ordering: .releasing)
                guard !isDraining else { continue }
                note(notifier.reloading())
                let next = await reload(service, core)
                Metric.lastReloadSuccessful.set(next == nil ? 0 : 1, in: core.registry)
                if let next { service = next }
                note(notifier.ready())
            case .signal(.terminate):
                guard !isDraining else {
                    logger.warning("stopping at once; what is in flight is asked again at the next start")
                    return .success(())
                }
                isDraining = true
                drain(core.pipeline)
            case .drained:
                logger.notice("drained")
                return .success(())
            case .drainLimitReached:
                logger.warning("not everything in flight ended in time; it is asked again at the next start")
                return .success(())
            case .databaseLost(let error):
                return .failure(CommandFailure(error))
            }
        }
        return .success(())
    }

    private func drain(_ pipeline: Pipeline) {
        logger.notice("draining", metadata: ["limit": "\(Self.drainLimit.inWords)"])
        note(notifier.stopping())
        Task { [tell] in
            await pipeline.drain()
            tell.yield(.drained)
        }
        let limit = DispatchTimeInterval.milliseconds(Int(Self.drainLimit.wholeMilliseconds))
        DispatchQueue(label: "refundd.drain").asyncAfter(deadline: .now() + limit) { [tell] in
            tell.yield(.drainLimitReached)
        }
    }

    // Takes over the configuration as a whole; nil, with everything as it was, where that cannot be.
    private func reload(_ old: Service, _ core: Core) async -> Service? {
        do {
            let configuration = try Setup.configuration(file: old.configuration.file, environment: environment)
            let obstacles = configuration.obstaclesToReload(since: old.configuration)
            guard obstacles.isEmpty else { throw CommandFailure(.configuration, obstacles.map(\.description)) }
            let credentials = try Setup.credentials(configuration, isForDaemon: true)
            let connections = try Connections(configuration, credentials, signing: signing)
            var new = Service(configuration: configuration, connections: connections)
            let keepsAddress = configuration.admin == old.configuration.admin
            do {
                new.admin = keepsAddress ? old.admin : await listen(at: configuration, core)
                // The address in use may be one that is still tried; a new one must be right at once.
                if !keepsAddress, let error = new.admin?.firstFailure {
                    throw CommandFailure(.configuration, ["\(configuration.file): \(error)"])
                }
                try await core.pipeline.reconfigure(connections.settings)
            } catch {
                if !keepsAddress { new.admin?.stop() }
                connections.shutDown()
                throw error
            }
            // From here on nothing fails.
            if !keepsAddress { old.admin?.stop() }
            old.connections.retire()
            core.registry.setGateways(connections.settings.gateways.keys.sorted())
            log.change(
                level: Logger.Level(configuration.log.level),
                format: RefundAdmin.LogFormat(configuration.log.format, environment: environment)
            )
            logger.notice("configuration reloaded")
            return new
        } catch {
            let problems = (error as? CommandFailure)?.messages ?? ["\(error)"]
            for problem in problems {
                logger.error("configuration not reloaded, the old one stays", metadata: ["problem": "\(problem)"])
            }
            return nil
        }
    }

    private func listen(at configuration: Configuration, _ core: Core) async -> AdminListener? {
        guard let address = configuration.admin.listen else { return nil }
        let gauges = QueueGauges(store: core.database.counting, registry: core.registry, clock: SystemClock())
        let readiness = Readiness(pipeline: core.pipeline)
        let server = AdminServer(
            host: address.host,
            port: address.port,
            readiness: readiness.problems,
            metrics: gauges.text
        )
        return await AdminListener(server) { [logger] outcome in
            switch outcome {
            case .success(let port):
                logger.info("admin address listens", metadata: ["port": "\(port)"])
            case .failure(let error):
                logger.error("the admin address is not served", metadata: ["error": "\(error)"])
            }
        }
    }

    private func note(_ error: NotifyError?) {
        guard let error else { return }
        logger.warning("the service manager cannot be told", metadata: ["error": "\(error)"])
    }
}
