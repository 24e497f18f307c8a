import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore

/// The reports to the service manager while the daemon starts and serves; each continues until its task is cancelled.
extension ServiceNotifier {
    // Shorter than the extension, and long enough to cost nothing.
    private static let startInterval: Duration = .seconds(5)
    private static let startExtension: Duration = .seconds(60)
    private static let statusInterval: Duration = .seconds(10)

    /// Reports the step of a start, and extends the time that it may take.
    ///
    /// Checking or migrating a large database takes longer than the service manager waits for a start.
    func extendStart(_ step: @Sendable () -> String) async {
        var time: Duration = .zero
        while (try? await Task.sleep(for: Self.startInterval)) != nil {
            time += Self.startInterval
            starting("\(step()) (\(time.formatted))", extendingTimeoutBy: Self.startExtension)
        }
    }

    /// Feeds the watchdog while the scheduler makes progress.
    func feedWatchdog(for scheduler: Scheduler) async {
        guard let timeout = watchdogTimeout else { return }
        while await untilCancelled({ await scheduler.respond() }) != nil {
            if Readiness.isAlive(busyTime: scheduler.busyTime, fault: scheduler.fault, limit: timeout) { watchdog() }
            guard (try? await Task.sleep(for: timeout / 4)) != nil else { return }
        }
    }

    /// Reports the state of queue and gateways, unless the status already names a fault of the database.
    func reportStatus(of parts: Daemon.Parts) async {
        var last = ""
        repeat {
            let text: String?? = await onDedicatedThread(grace: .zero) {
                let status = try? parts.database.counting.read { tx throws(StoreError) in
                    try tx.status(at: SystemClock().now())
                }
                return status?.summary(gateways: parts.registry.gateways)
            }
            if case .some(let text?) = text, parts.scheduler.fault == nil, text != last {
                status(text)
                last = text
            }
            if parts.scheduler.fault != nil { last = "" }
        } while (try? await Task.sleep(for: Self.statusInterval)) != nil
    }
}

extension Scheduler {
    /// Returns once the scheduler's thread is free; never if the thread hangs.
    fileprivate func respond() {}
}

extension QueueStatus {
    /// One line for `systemctl status`.
    ///
    /// - Parameter gateways: The configured gateways.
    /// - Returns: The line.
    func summary(gateways: [String]) -> String {
        let waiting = RefundState.allCases.filter { !$0.isFinal }.reduce(0) { $0 + (states[$1] ?? 0) }
        let flagged = attention.values.reduce(0, +)
        let dead = webhooks[.dead] ?? 0
        var parts = [waiting == 0 ? "no refund without a verdict" : "\(waiting) without a verdict"]
        if let oldestPending { parts[0] += ", oldest \(oldestPending.rounded)" }
        if flagged > 0 { parts.append("\(flagged) in need of attention") }
        if dead > 0 { parts.append("\(dead) dead webhooks") }
        parts += pauses.keys.sorted().filter { $0.kind == .endpoint }.map { "\($0) paused" }
        parts += gateways.map { gateway in
            guard pauses[.gateway(gateway)] == nil, incidents[gateway] == nil, breakers[gateway] == nil,
                let lapse = lapses[gateway]
            else { return "gateway \(gateway) \(condition(of: gateway))" }
            return "\(lapse.problem(of: gateway)); run: refundd check --online"
        }
        return parts.joined(separator: "; ")
    }

    private func condition(of gateway: String) -> String {
        if let pause = pauses[.gateway(gateway)] { return "paused \(pause.description)" }
        if let incident = incidents[gateway] {
            return "\(incident.kind.rawValue) since \(incident.since.iso8601): \(incident.message)"
        }
        if let breaker = breakers[gateway] { return "only probed since \(breaker.since.iso8601): \(breaker.reason)" }
        guard let sighting = sightings[gateway] else { return "not queried yet" }
        let isFailing = sighting.lastErrorAt.map { failed in sighting.lastVerified.map { failed > $0 } ?? true }
        if isFailing == true { return "fails: \(sighting.lastError ?? "")" }
        return sighting.lastVerified == nil ? "not queried yet" : "answers"
    }
}
