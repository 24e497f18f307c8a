import RefundCore
import RefundDaemon
import RefundStore

extension QueueReport {
    /// The report as lines for a terminal: first whether all is well, then what is not, then the figures.
    ///
    /// - Parameters:
    ///   - width: The number of columns.
    ///   - isTerminal: Whether a person reads it. A program gets the gravest problem with its command as one line.
    /// - Returns: The lines.
    func lines(width: Int, isTerminal: Bool = true) -> [Line] {
        let findings = findings
        let gravest = findings.first.flatMap { $0.gravity == .problem ? $0 : nil }
        var lines = headline(gravest, isTerminal ? width : .max)
        for finding in findings.dropFirst(gravest == nil ? 0 : 1) {
            let label = finding.gravity == .problem ? "also: " : "note: "
            let style: Style? = finding.gravity == .problem ? .bad : finding.gravity == .warning ? .warning : nil
            lines += (label + finding.text).wrapped(to: width - 2).map { Line("  \($0)", style) }
            if let command = finding.command { lines.append(Line("  run: \(command)")) }
        }
        lines.append(Line(""))
        return lines + facts.lines(width: width, indent: "")
    }

    private func headline(_ problem: Finding?, _ width: Int) -> [Line] {
        guard let problem else {
            let waiting = status.openCount
            let oldest = status.oldestPending.map { ", the oldest for \($0.rounded)" } ?? ""
            let queue =
                waiting == 0
                ? "no refund waits" : "\(waiting.counted("refund waits", "refunds wait")) for a verdict\(oldest)"
            let line =
                switch daemon.presence {
                case .unknown: Line("healthy as far as is known: \(queue)", .warning)
                case let presence where presence.isStarting: Line("starting: \(queue)", .warning)
                default: Line("healthy: \(queue)", .good)
                }
            return line.folded(to: width)
        }
        let text = "NOT HEALTHY: \(problem.text)"
        let remedy = problem.command.map { "run: \($0)" }
        let whole = [text, remedy].compactMap(\.self).joined(separator: "; ")
        guard whole.columns > width else { return [Line(whole, .bad)] }
        // A command is copied, so it stays on one line.
        return Line(text, .bad).folded(to: width) + [remedy.map { Line("  \($0)", .bad) }].compactMap(\.self)
    }

    private var facts: FactTable {
        var facts = FactTable()
        if status.daemons.count > 1 {
            let count = status.daemons.count
            facts.add("daemons", "\(count) serve the queue, each with 1/\(count) of the limits")
            for daemon in status.daemons { facts.add("daemons", daemon.text(at: now)) }
        } else {
            facts.add("daemon", daemon.text(at: now))
        }
        for gone in status.gone { facts.add("taken over", "\(gone.name), \(gone.at.past(at: now))") }
        facts.add("database", database.isEmpty ? nil : database)
        facts.add("refunds", RefundState.allCases.map { "\($0.rawValue) \((status.states[$0] ?? 0).grouped)" }.list)
        let reasons = Attention.allCases.filter { status.attention[$0] ?? 0 > 0 }
        facts.add(
            "needs attention",
            reasons.isEmpty ? "none" : reasons.map { "\($0.rawValue) \((status.attention[$0] ?? 0).grouped)" }.list
        )
        facts.add("oldest without a verdict", status.oldestPending?.rounded ?? "none")
        facts.add("due lag", status.dueLag.rounded)
        facts.add("webhooks", WebhookState.allCases.map { "\($0.rawValue) \((status.webhooks[$0] ?? 0).grouped)" }.list)
        facts.add("file", "\(status.fileBytes.asBytes), of which \(status.freeBytes.asBytes) are free for new rows")
        facts.add("write-ahead log", status.walBytes.asBytes)
        for name in gateways { facts.add("gateway \(name)", health(of: name)) }
        for case (.endpoint(let endpoint), let pause) in status.pauses.sorted(by: { $0.key < $1.key }) {
            facts.add("endpoint \(endpoint)", "PAUSED since \(pause.since.past(at: now))\(pause.detail)")
        }
        for (endpoint, breaker) in status.endpoints.open {
            let probe = breaker.nextProbe(from: now)
            facts.add(
                "endpoint \(endpoint)",
                "FAILING since \(breaker.since.past(at: now)): \(breaker.reason.asClause)\(probe)"
            )
        }
        let unlisted = status.endpoints.openCount - status.endpoints.open.count
        if unlisted > 0 { facts.add("further endpoints", "FAILING: \(unlisted.grouped)") }
        if status.endpoints.disabledCount > 0 {
            let hint = "--json lists them, `refundd redeliver` enables them"
            facts.add("disabled URLs", "\(status.endpoints.disabledCount.grouped) (\(hint))")
        }
        return facts
    }

    private func health(of gateway: String) -> String {
        let condition = status.condition(of: gateway)
        var word = condition.kind.rawValue
        guard condition.kind != .unqueried else { return word }
        // What answered was asked by the process before.
        if condition.kind == .answering, case .running(let serving?) = daemon.presence,
            let last = status.sightings[gateway]?.lastVerified, last < serving.since
        {
            word = "not queried since the start"
        }
        let since = condition.since.map { " since \($0.past(at: now))" } ?? ""
        let probe = condition.breaker?.nextProbe(from: now) ?? ""
        let seen = status.sightings[gateway]?.lastVerified.map { "last verified answer \($0.past(at: now))" }
        let head = (condition.isFine ? word : word.uppercased()) + since + condition.detail + probe
        return "\(head); \(seen ?? "no verified answer yet")"
    }
}

extension DaemonReport {
    /// The daemon in one sentence.
    fileprivate func text(at now: Timestamp) -> String {
        switch presence {
        case .absent: "not running"
        case .unknown(let reason): "unknown: \(reason)"
        case .running(nil): "starting"
        case .running(let daemon?) where daemon.isStarting:
            "starting since \(daemon.since.past(at: now)), process \(daemon.pid), version \(daemon.version)"
        case .running(let daemon?):
            "running since \(daemon.since.past(at: now)), process \(daemon.pid)\(daemon.place), version"
                + " \(daemon.version)" + (readiness.map { $0.isReady ? ", ready" : ", NOT READY" } ?? "")
        }
    }
}

extension ServingDaemon {
    fileprivate var place: String { isHere ? "" : " on \(host ?? "")" }

    /// One of several daemons, in a line.
    fileprivate func text(at now: Timestamp) -> String {
        let seen = lastSeen.map { ", seen \($0.age(at: now))" } ?? ""
        return "process \(pid)\(place) since \(since.past(at: now)), version \(version)\(seen)"
            + (id.map { ", id \($0)" } ?? "")
    }
}

extension [String] {
    fileprivate var list: String { joined(separator: ", ") }
}
