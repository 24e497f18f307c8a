import Dispatch
import Foundation
import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundGateway
import RefundScheduler
import RefundStore

/// The daemon: puts the parts together, runs them, reloads and drains them.
public final class Daemon: Sendable {
    private static let drainLimit: Duration = .seconds(20)

    private enum Event: Sendable {
        case signal(ProcessSignal)
        case drained
        case drainLimitReached
        case adminFailed(AdminError)
    }

    private let environment: [String: String]
    private let logger = Logger(label: "refundd")
    private let threshold: LogThreshold
    private let notifier: ServiceNotifier
    private let signing = SigningPool(threads: ProcessInfo.processInfo.activeProcessorCount)
    private let events: AsyncStream<Event>
    private let tell: AsyncStream<Event>.Continuation

    /// Runs the daemon until it is told to stop.
    ///
    /// - Parameters:
    ///   - file: The configuration.
    ///   - environment: The process's environment.
    /// - Throws: `CommandFailure` when it cannot start.
    public static func run(file: String, environment: [String: String]) async throws(CommandFailure) {
        let configuration = try Setup.configuration(file: file, environment: environment)
        let credentials = try Setup.credentials(configuration)
        let format = RefundAdmin.LogFormat(named: configuration.log.format.rawValue, environment: environment) ?? .text
        let threshold = bootstrapLogging(level: Logger.Level(configuration.log.level), format: format)
        try await Daemon(environment, threshold).run(configuration, credentials)
    }

    private init(_ environment: [String: String], _ threshold: LogThreshold) {
        self.environment = environment
        self.threshold = threshold
        notifier = ServiceNotifier(environment: environment)
        (events, tell) = AsyncStream.makeStream()
    }

    private func run(_ configuration: Configuration, _ credentials: Credentials) async throws(CommandFailure) {
        // Signals are caught before anything can be interrupted half way.
        let signals = ProcessSignal.catch { [tell] in tell.yield(.signal($0)) }
        defer { for signal in signals { signal.cancel() } }
        let database = try Database(path: configuration.database.path, at: SystemClock().now())
        defer { database.close() }
        let connections = try Connections(configuration, credentials, signing: signing)
        let registry = PrometheusRegistry()
        let reporter = Reporter(logger: logger, metrics: registry)
        let pipeline = Pipeline(
            store: database.store,
            settings: connections.settings,
            clock: SystemClock(),
            report: reporter.report,
            fault: reporter.report(fault:)
        )
        do {
            try await pipeline.start()
        } catch {
            connections.shutDown()
            throw CommandFailure(error)
        }
        let serving = serve(configuration.admin.listen, pipeline, database, registry)
        logger.notice("refundd runs", metadata: ["database": "\(configuration.database.path)"])
        // Without an admin address nothing remains that could fail to start.
        if serving == nil { note(notifier.ready()) }
        let end = await follow(configuration, connections, pipeline)
        serving?.cancel()
        try end.get()
    }

    // Answers events until one of them ends the daemon.
    private func follow(
        _ configuration: Configuration,
        _ connections: Connections,
        _ pipeline: Pipeline
    ) async -> Result<Void, CommandFailure> {
        var (configuration, connections) = (configuration, connections)
        var isDraining = false
        defer { connections.shutDown() }
        for await event in events {
            switch event {
            case .signal(.reload):
                guard !isDraining else { continue }
                note(notifier.reloading())
                if let next = await reload(configuration, pipeline) {
                    connections.retire()
                    (configuration, connections) = next
                }
                note(notifier.ready())
            case .signal(.terminate):
                guard !isDraining else {
                    logger.warning("stopping at once; what is in flight is asked again at the next start")
                    return .success(())
                }
                isDraining = true
                drain(pipeline)
            case .drained:
                logger.notice("drained")
                return .success(())
            case .drainLimitReached:
                logger.warning("not everything in flight ended in time; it is asked again at the next start")
                return .success(())
            case .adminFailed(let error):
                return .failure(CommandFailure(.configuration, ["\(configuration.file): \(error)"]))
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

    private func reload(
        _ old: Configuration,
        _ pipeline: Pipeline
    ) async -> (configuration: Configuration, connections: Connections)? {
        do {
            let configuration = try Setup.configuration(file: old.file, environment: environment)
            let fixed = configuration.keysThatNeedRestart(since: old)
            guard fixed.isEmpty else {
                let keys = fixed.joined(separator: ", ")
                throw CommandFailure(.configuration, ["\(keys) cannot change while the daemon runs; restart it"])
            }
            let credentials = try Setup.credentials(configuration)
            let connections = try Connections(configuration, credentials, signing: signing)
            try await pipeline.reconfigure(connections.settings)
            threshold.level = Logger.Level(configuration.log.level)
            logger.notice("configuration reloaded")
            return (configuration, connections)
        } catch {
            let problems = (error as? CommandFailure)?.messages ?? ["\(error)"]
            for problem in problems {
                logger.error("configuration not reloaded, the old one stays", metadata: ["problem": "\(problem)"])
            }
            return nil
        }
    }

    private func serve(
        _ address: ListenAddress?,
        _ pipeline: Pipeline,
        _ database: Database,
        _ registry: PrometheusRegistry
    ) -> Task<Void, Never>? {
        guard let address else { return nil }
        let gauges = QueueGauges(store: database.counting, registry: registry, clock: SystemClock())
        let readiness = Readiness(pipeline: pipeline, store: database.counting)
        let server = AdminServer(
            host: address.host,
            port: address.port,
            readiness: readiness.reasons,
            metrics: gauges.text
        )
        return Task { [self] in
            do throws(AdminError) {
                try await server.run { [self] port in
                    logger.info("admin address listens", metadata: ["port": "\(port)"])
                    note(notifier.ready())
                }
            } catch {
                tell.yield(.adminFailed(error))
            }
        }
    }

    private func note(_ error: NotifyError?) {
        guard let error else { return }
        logger.warning("the service manager cannot be told", metadata: ["error": "\(error)"])
    }
}
