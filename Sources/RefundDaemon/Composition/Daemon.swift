import Foundation
import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore

/// The daemon: opens the database, starts, serves, drains and closes; handles signals in every phase.
///
/// Each phase runs its tasks in a task group of its own and handles events until one of them ends it. Anything that may
/// block, such as a file, the database or another thread, runs off the cooperative pool, and can be abandoned.
package actor Daemon {
    // TimeoutStopSec= of the service manager's unit must exceed the sum of `drainLimit` and `closeLimit`.
    private static let drainLimit: Duration = .seconds(20)
    private static let closeLimit: Duration = .seconds(5)
    private static let hurriedCloseLimit: Duration = .seconds(1)

    private enum Event: Sendable {
        case signal(ProcessSignal)
        case opened(Result<ServedDatabase?, StoreError>)
        case started(StoreError?)
        case databaseFailed(StoreError)
        case drained
        case drainLimitReached
        case closed(StoreError?)
        case closeLimitReached
    }

    /// The parts that live as long as the database is served.
    struct Parts: Sendable {
        let scheduler: Scheduler
        let database: ServedDatabase
        let registry: MetricRegistry
        let adminHosts: AdminHosts
        let heartbeat: HeartbeatSender
    }

    let logger = Logger(label: "refundd")
    let log: LogControl
    let notifier: ServiceNotifier
    let environment: [String: String]
    private let events: AsyncStream<Event>
    private let emit: AsyncStream<Event>.Continuation

    /// The configuration in use.
    var loaded: LoadedConfiguration
    /// The connections in use.
    var connections: Connections?
    /// Connections that the scheduler may still send over, to be shut down with those in use.
    var abandonedConnections: [Connections] = []
    var admin: AdminListener?
    /// Set by SIGHUP until the file is read again; all signals until then cause one read.
    var isReloadRequested = false

    /// Runs the daemon until a signal ends it.
    ///
    /// - Parameters:
    ///   - file: The configuration file.
    ///   - environment: The process's environment.
    /// - Throws: `CommandFailure` if it cannot start, or cannot continue.
    package static func run(file: String, environment: [String: String]) async throws(CommandFailure) {
        let (events, emit) = AsyncStream<Event>.makeStream()
        await ProcessSignal.catch { emit.yield(.signal($0)) }
        let loaded = try LoadedConfiguration(file: file, environment: environment)
        let log = bootstrapLogging(level: loaded.logLevel, format: loaded.logFormat(environment: environment))
        try await Daemon(loaded, environment, log, events, emit).live()
    }

    private init(
        _ loaded: LoadedConfiguration,
        _ environment: [String: String],
        _ log: LogControl,
        _ events: AsyncStream<Event>,
        _ emit: AsyncStream<Event>.Continuation
    ) {
        self.loaded = loaded
        self.environment = environment
        self.log = log
        self.events = events
        self.emit = emit
        notifier = ServiceNotifier(environment: environment)
    }

    private func live() async throws(CommandFailure) {
        guard let database = try await open() else { return }
        let connections = try Connections(loaded.configuration, loaded.credentials)
        self.connections = connections
        let parts = parts(database, connections)
        var result = await start(parts)
        if case .success(true) = result { result = await serve(parts) }
        var closeLimit = Self.closeLimit
        if case .success = result { result = await drain(parts.scheduler, &closeLimit) }
        await close(parts, within: closeLimit)
        _ = try result.get()
    }

    private func parts(_ database: ServedDatabase, _ connections: Connections) -> Parts {
        let registry = MetricRegistry(gateways: connections.settings.gateways.keys.sorted())
        Metric.buildInfo.set(1, Version.current, in: registry)
        Metric.lastReloadSuccessful.set(1, in: registry)
        let reporter = Reporter(logger: logger, metrics: registry)
        let heartbeat = HeartbeatSender(
            loaded.configuration.heartbeat,
            clock: SystemClock(),
            logger: logger,
            registry: registry
        )
        let scheduler = Scheduler(
            store: database.store,
            settings: connections.settings,
            clock: SystemClock(),
            report: { events in
                reporter.report(events)
                heartbeat.note(events)
            },
            fault: { [emit, notifier] fault in
                reporter.report(fault: fault)
                notifier.status(fault?.description ?? "serving again")
                guard let fault, fault.isFatal else { return }
                database.markSuspect(because: fault)
                emit.yield(.databaseFailed(fault))
            }
        )
        return Parts(
            scheduler: scheduler,
            database: database,
            registry: registry,
            adminHosts: AdminHosts(loaded.configuration.admin.hosts),
            heartbeat: heartbeat
        )
    }

    // MARK: - Phases

    /// Runs a phase.
    ///
    /// - Parameters:
    ///   - tasks: The phase's tasks; the end of the phase cancels them, and they must then end soon.
    ///   - handle: Handles an event, and returns a value to end the phase.
    /// - Returns: That value, or nil if the daemon's own task is cancelled.
    private func phase<Outcome: Sendable>(
        _ tasks: [@Sendable () async -> Void],
        _ handle: (Event) async -> Outcome?
    ) async -> Outcome? {
        await withDiscardingTaskGroup { group in
            defer { group.cancelAll() }
            for task in tasks { group.addTask { await task() } }
            for await event in events {
                if let outcome = await handle(event) { return outcome }
            }
            return nil
        }
    }

    /// Opens the database.
    ///
    /// - Returns: The database, or nil if a signal ended the daemon first.
    private func open() async throws(CommandFailure) -> ServedDatabase? {
        let provider = try CommandFailure.mapping { () throws(StoreError) in
            try StoreProviders.provider(for: loaded.configuration.database)
        }
        let opening = DatabaseOpening(
            provider,
            patience: ImmediateQuery.longest(loaded.configuration),
            logger: logger
        )
        let tasks: [@Sendable () async -> Void] = [
            { [emit] in
                do throws(StoreError) {
                    emit.yield(.opened(.success(try await opening.run())))
                } catch {
                    emit.yield(.opened(.failure(error)))
                }
            },
            { [notifier] in await notifier.extendStart { opening.progress } },
        ]
        let outcome: Result<ServedDatabase?, StoreError>? = await phase(tasks) { event in
            switch event {
            case .opened(let result): return result
            case .signal(.reload):
                if let new = await reread() { use(new) }
            case .signal(.terminate):
                logger.notice("stopping before the database is open")
                note(notifier.stopping())
                return .success(nil)
            default: break
            }
            return nil
        }
        do throws(StoreError) {
            return try outcome?.get()
        } catch {
            throw CommandFailure(error, provider)
        }
    }

    /// Makes the scheduler take over the queue and start polling.
    ///
    /// - Returns: Whether it started; false if a signal ended the daemon first.
    private func start(_ parts: Parts) async -> Result<Bool, CommandFailure> {
        let start: @Sendable () async -> Void = { [emit, logger] in
            var obstacle: StoreError?
            while !Task.isCancelled {
                let error: StoreError?? = await untilCancelled { () async -> StoreError? in
                    do throws(StoreError) {
                        try await parts.scheduler.start()
                        return nil
                    } catch {
                        return error
                    }
                }
                guard let error else { return }
                // Another program's transaction ends sooner or later.
                guard let error, error.kind == .busy else {
                    emit.yield(.started(error))
                    return
                }
                if error != obstacle { logger.warning("cannot start yet: \(error.description)") }
                obstacle = error
            }
        }
        let extend: @Sendable () async -> Void = { [notifier] in
            await notifier.extendStart { "taking over the queue" }
        }
        let outcome: Result<Bool, CommandFailure>? = await phase([start, extend]) { event in
            switch event {
            case .started(nil): return .success(true)
            case .started(let error?), .databaseFailed(let error): return .failure(CommandFailure(error))
            case .signal(.reload): isReloadRequested = true
            case .signal(.terminate): return .success(false)
            default: break
            }
            return nil
        }
        return outcome ?? .success(false)
    }

    /// Serves the queue, and reloads the configuration on SIGHUP.
    private func serve(_ parts: Parts) async -> Result<Bool, CommandFailure> {
        admin = await listen(loaded.configuration, parts)
        await reportStart(parts)
        parts.database.noteReady()
        note(notifier.status("serving"))
        note(notifier.ready())
        let (requests, request) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        if isReloadRequested { request.yield() }
        let reloads: @Sendable () async -> Void = { [self] in
            for await _ in requests { await reload(parts) }
        }
        let watchdog: @Sendable () async -> Void = { [notifier] in await notifier.feedWatchdog(for: parts.scheduler) }
        let status: @Sendable () async -> Void = { [notifier] in await notifier.reportStatus(of: parts) }
        let heartbeat: @Sendable () async -> Void = {
            await parts.heartbeat.run(prove: parts.scheduler.prove) {
                var status = try? parts.database.counting.read { tx throws(StoreError) in
                    try tx.status(at: SystemClock().now())
                }
                status?.forgetLags(exceptOf: parts.registry.gateways)
                return status?.dueLag
            }
        }
        let outcome: Result<Bool, CommandFailure>? = await phase([reloads, watchdog, status, heartbeat]) { event in
            switch event {
            case .databaseFailed(let error): return .failure(CommandFailure(error))
            case .signal(.reload):
                isReloadRequested = true
                request.yield()
            case .signal(.terminate): return .success(true)
            default: break
            }
            return nil
        }
        return outcome ?? .success(true)
    }

    /// Stops claiming, and waits for work in flight.
    private func drain(_ scheduler: Scheduler, _ closeLimit: inout Duration) async -> Result<Bool, CommandFailure> {
        logger.notice("draining", metadata: ["limit": "\(Self.drainLimit.formatted)"])
        note(notifier.stopping())
        let tasks: [@Sendable () async -> Void] = [
            { [emit] in
                if await untilCancelled({ await scheduler.drain() }) != nil { emit.yield(.drained) }
            },
            after(Self.drainLimit, .drainLimitReached),
        ]
        let unfinished = "unfinished queries and webhooks are sent again after the next start"
        let outcome: Result<Bool, CommandFailure>? = await phase(tasks) { event in
            switch event {
            case .drained: logger.notice("drained")
            case .drainLimitReached: logger.warning("drain limit reached; \(unfinished)")
            case .signal(.terminate):
                logger.warning("stopping at once; \(unfinished)")
                closeLimit = Self.hurriedCloseLimit
            case .databaseFailed(let error): return .failure(CommandFailure(error))
            case .signal(.reload):
                logger.notice("ignoring SIGHUP while stopping")
                return nil
            default: return nil
            }
            return .success(true)
        }
        return outcome ?? .success(true)
    }

    /// Closes everything in dependency order: the scheduler releases the claims still in flight, the clients shut down,
    /// and the database closes.
    private func close(_ parts: Parts, within limit: Duration) async {
        admin?.stop()
        let connections = abandonedConnections + [connections].compactMap(\.self)
        let close: @Sendable () async -> Void = { [emit] in
            guard let failure = await untilCancelled({ await parts.scheduler.close() }) else { return }
            await onDedicatedThread(grace: .zero) {
                for connection in connections { connection.shutDown() }
                parts.database.close()
            }
            emit.yield(.closed(failure))
        }
        let failure: String?? = await phase([close, after(limit, .closeLimitReached)]) { event in
            switch event {
            case .closed(let error): .some(error?.description)
            case .closeLimitReached, .signal(.terminate): "the database is busy"
            default: nil
            }
        }
        guard case .some(let error?) = failure else { return }
        logger.warning("claims are only released at the next start", metadata: ["reason": "\(error)"])
    }

    private func after(_ time: Duration, _ event: Event) -> @Sendable () async -> Void {
        { [emit] in
            if (try? await Task.sleep(for: time)) != nil { emit.yield(event) }
        }
    }

    func note(_ error: NotifyError?) {
        guard let error else { return }
        logger.warning("cannot notify the service manager", metadata: ["error": "\(error)"])
    }
}
