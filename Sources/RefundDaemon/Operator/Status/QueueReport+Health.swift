package import RefundCore
import RefundStore

extension QueueReport {
    static let reassurance = "nothing is lost, refundd goes on by itself"
    // A due refund waits for the rate limit, but not this long.
    private static let longestLag: Duration = .seconds(60)
    // A checkpoint keeps the log far below this, unless a program keeps a transaction open.
    private static let largestLog: Int64 = 256 << 20

    /// What is wrong, the gravest first; a problem needs an operator, a note does not.
    package var findings: [Finding] {
        let all =
            databaseFindings + daemonFindings + diskFindings + pauseFindings + gatewayFindings.map(explained)
            + lagFindings
            + attentionFindings
            + refusalFindings + webhookFindings + credentialFindings
            + noteFindings + daemon.unitFindings + [backlogNote].compactMap(\.self)
        return all.enumerated().sorted { left, right in
            (right.element.gravity, left.offset) < (left.element.gravity, right.offset)
        }.map(\.element).withoutRepetitions
    }

    private var daemonFindings: [Finding] {
        if let reason = daemon.distrust, !isStarting {
            return [Finding(.problem, "database", "the last daemon stopped: \(reason)", run: "refundd verify")]
        }
        switch daemon.presence {
        case .absent:
            let waiting = status.openCount
            let refunds = waiting == 0 ? "" : ", and \(waiting.counted("refund waits", "refunds wait"))"
            let reason = daemon.obstacle ?? "refundd is not running"
            return [Finding(.problem, "daemon", "\(reason)\(refunds)", run: daemon.startCommand)]
        case .running(let starting) where daemon.presence.isStarting:
            return [startFinding(starting)]
        case .running(nil): return []
        case .unknown(let reason):
            return [Finding(.warning, "daemon", "cannot tell whether refundd is running: \(reason)")]
        case .running(let serving?):
            if daemon.isStopped {
                let text = "refundd is stopped, as by SIGSTOP, and does nothing until somebody lets it go on"
                return [Finding(.problem, "daemon", text, run: "kill -CONT \(serving.pid)")]
            }
            guard let readiness = daemon.readiness, !readiness.isReady else { return [] }
            if let writer = daemon.writer, writer.pid != serving.pid {
                let text = "\(writer) holds the database's write lock; end its transaction or the process"
                return [Finding(.problem, "daemon", text, run: "kill \(writer.pid)")]
            }
            // The disk explains it.
            guard !diskFindings.contains(where: { $0.gravity == .problem }) else { return [] }
            let reasons = readiness.reasons.isEmpty ? "" : ": " + readiness.reasons.joined(separator: ", ")
            return [Finding(.problem, "daemon", "refundd is not ready\(reasons)", run: "refundd doctor")]
        }
    }

    private var isStarting: Bool { daemon.presence.isStarting }

    // A pause that somebody forgot loses verdicts and webhooks silently.
    private var pauseFindings: [Finding] {
        status.pauses.sorted { $0.key < $1.key }.map { peer, pause in
            let effect = peer.kind == .gateway ? "its refunds are not queried" : "no webhook is sent to it"
            let text = "\(peer) is paused \(pause.description): \(effect)"
            return Finding(.problem, "\(peer)", text, run: peer.resumeCommand)
        }
    }

    private var gatewayFindings: [Finding] {
        gateways.compactMap { name in
            let (subject, condition) = ("gateway \(name)", status.condition(of: name))
            let since = condition.since.map { " since \($0.iso8601Seconds)" } ?? ""
            let lastVerified = status.sightings[name]?.lastVerified
            let seen = lastVerified.map { ", last verified answer \($0.age(at: now))" } ?? ", no verified answer yet"
            let text: String
            switch condition.kind {
            // `pauseFindings` names the pause.
            case .paused, .answering, .unqueried: return nil
            case .misconfigured, .unreachable: text = "\(subject) has failed\(since)\(condition.detail)\(seen)"
            case .probed:
                let probe = condition.breaker?.nextProbe(from: now) ?? ""
                text = "\(subject) has failed\(since)\(condition.detail); it is only probed\(probe)\(seen)"
            case .lapsed: text = "no answer from \(subject) has verified\(since)\(condition.detail)"
            case .failing where condition.since != nil:
                let text = "\(subject) has not answered\(since)\(condition.detail)\(seen); \(Self.reassurance)"
                return Finding(.note, subject, text, run: "refundd check --online")
            case .failing:
                guard let error = status.sightings[name]?.lastError else { return nil }
                let text = "\(subject) failed to answer the last query (\(error.asClause))\(seen)"
                return Finding(.note, subject, text, run: "refundd check --online")
            }
            return Finding(.problem, subject, text, run: "refundd check --online")
        }
    }

    private var lagFindings: [Finding] {
        guard status.dueLag > Self.longestLag, case .running(.some) = daemon.presence, !isStarting,
            status.incidents.isEmpty, status.breakers.isEmpty
        else { return [] }
        // After an outage many refunds are due, and the gateway answers one after the other.
        let late = status.dueLags.filter { $0.value > Self.longestLag }.keys.sorted()
        if !late.isEmpty, late.allSatisfy({ answersNow($0) }) {
            let names = late.joined(separator: ", ")
            let answers = late.count == 1 ? "gateway \(names) answers" : "gateways \(names) answer"
            let text = "due refunds wait for their turn, the longest for \(status.dueLag.rounded); \(answers)"
            return [Finding(.note, "queue", text)]
        }
        let text = "due refunds have not been queried for \(status.dueLag.rounded)"
        return [Finding(.problem, "queue", text, run: "journalctl -u refundd -n 50")]
    }

    private func answersNow(_ gateway: String) -> Bool {
        guard let sighting = status.sightings[gateway], !sighting.isFailing, let last = sighting.lastVerified else {
            return false
        }
        return now.duration(since: last) < Self.longestLag
    }

    private var attentionFindings: [Finding] {
        let reasons = Attention.allCases.filter { status.attention[$0] ?? 0 > 0 }
        let total = reasons.map { status.attention[$0] ?? 0 }.reduce(0, +)
        guard total > 0 else { return [] }
        let parts = reasons.map { "\(status.attention[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
        let text = "\(total.counted("refund needs", "refunds need")) attention: \(parts)"
        return [Finding(.problem, "refunds", text, run: "refundd list --attention")]
    }

    private var webhookFindings: [Finding] {
        var findings: [Finding] = []
        let dead = status.webhooks[.dead] ?? 0
        if dead > 0 {
            let text = "\(dead.counted("webhook is", "webhooks are")) dead: no retry succeeded"
            findings.append(Finding(.problem, "webhooks", text, run: "refundd webhooks --state dead"))
        }
        if status.endpoints.disabledCount > 0 {
            let count = status.endpoints.disabledCount.counted("webhook URL is", "webhook URLs are")
            let text = "\(count) disabled; once the receiver accepts webhooks again, redeliver"
            findings.append(Finding(.problem, "webhooks", text, run: "refundd redeliver --dead"))
        }
        return findings
    }

    private var unknownOrderNote: Finding? {
        guard let (number, since) = status.unknownOrders.oldest else { return nil }
        let (count, age) = (status.unknownOrders.count, max(now.duration(since: since), .zero).rounded)
        let others = count > 1 ? ", and \((count - 1).counted("other refund", "other refunds"))" : ""
        let text =
            "the gateway does not know \(number), enqueued \(age) ago\(others); check that it was submitted under this"
            + " number"
        return Finding(.note, "refund \(number)", text, run: "refundd show \(number.asShellWord)")
    }

    private var noteFindings: [Finding] {
        var findings = [unknownOrderNote].compactMap(\.self)
        let versions = Set(status.daemons.map(\.version)).sorted()
        if versions.count > 1 {
            let text = "the daemons run different versions (\(versions.joined(separator: ", "))); update all of them"
            findings.append(Finding(.note, "daemons", text))
        }
        if status.daemons.contains(where: \.isPooled) {
            let text =
                "daemons look for inserts several times a second, because a pooler passes no notifications on; see what"
                + " to do"
            findings.append(Finding(.note, "wake-up", text, run: "refundd doctor"))
        }
        if status.walBytes > Self.largestLog {
            let text = "the write-ahead log has \(status.walBytes.asBytes): a program keeps a transaction open"
            findings.append(Finding(.warning, "database", text, run: "refundd doctor"))
        }
        if !configurationProblems.isEmpty {
            let text =
                "the configuration, as this shell sees it, has \(configurationProblems.count.counted("problem", "problems"))"
            findings.append(Finding(.note, "configuration", text, run: "refundd check"))
        }
        if let outsider { findings.append(.hidden(from: outsider, run: DaemonReport.rootsView)) }
        return findings
    }
}

extension [Finding] {
    /// Without those that say the same as a graver or earlier one.
    var withoutRepetitions: [Finding] {
        var kept: [Finding] = []
        for finding in self where !kept.contains(where: { $0.says(finding) }) { kept.append(finding) }
        return kept
    }
}

extension Finding {
    // A headline may add what follows from it.
    fileprivate func says(_ other: Finding) -> Bool {
        guard subject == other.subject || command != nil && command == other.command else { return false }
        return text.contains(other.text) || other.text.contains(text)
    }
}
