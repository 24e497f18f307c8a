import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundScheduler

/// Serves the admin address, and retries while that fails; refunds do not wait for it.
struct AdminListener: Sendable {
    private static let shortestWait: Duration = .seconds(1)
    private static let longestWait: Duration = .seconds(60)

    /// The error of the first attempt to listen, or nil if it succeeded.
    let firstFailure: AdminError?
    private let serving: Task<Void, Never>

    /// Starts serving an address, and returns once the first attempt to listen has succeeded or failed.
    init(_ address: ListenAddress, _ parts: Daemon.Parts, _ logger: Logger) async {
        let gauges = QueueGauges(store: parts.database.counting, registry: parts.registry, clock: SystemClock())
        let readiness = Readiness(scheduler: parts.scheduler)
        let pages = AdminPages(
            store: parts.database.counting,
            registry: parts.registry,
            readiness: readiness,
            clock: SystemClock()
        )
        let server = AdminServer(
            host: address.host,
            port: address.port,
            socketPath: address.socketPath,
            names: { [hosts = parts.adminHosts] in hosts.names },
            readiness: readiness.problems,
            metrics: gauges.text,
            pages: pages.page
        )
        let (results, attempted) = AsyncStream<AdminError?>.makeStream(bufferingPolicy: .bufferingOldest(1))
        serving = Task {
            var wait = Self.shortestWait
            while !Task.isCancelled {
                let start = ContinuousClock.now
                do throws(AdminError) {
                    try await server.run { port in
                        var served = address
                        served.port = port
                        logger.info("admin address is served", metadata: ["address": "\(served)"])
                        attempted.yield(nil)
                    }
                } catch {
                    logger.error(
                        "cannot serve the admin address",
                        metadata: ["error": "\(error)"].id(.adminUnavailable)
                    )
                    attempted.yield(error)
                }
                // An address that was served for long is retried soon.
                if ContinuousClock.now - start > Self.longestWait { wait = Self.shortestWait }
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, Self.longestWait)
            }
        }
        firstFailure = await results.first { _ in true } ?? nil
    }

    /// Stops listening and closes every connection.
    func stop() {
        serving.cancel()
    }
}
