import ArgumentParser
import RefundConfiguration
import RefundCore
import RefundDaemon
import RefundScheduler
import RefundStore

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Show the overall status.")

    @OptionGroup var common: CommonOptions

    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        try await reportingFailures { () async throws(CommandFailure) in
            let configuration = try common.configuration()
            let configured = configuration.gateways.keys
            let now = SystemClock().now()
            let status = try common.read { tx throws(StoreError) in try tx.status(at: now) }
            let gateways = Set(configured).union(status.incidents.keys).union(status.breakers.keys).sorted()
            let unsigned = configuration.webhook.secretFiles.isEmpty ? status.webhooks[.pending] ?? 0 : 0
            if json {
                printJSON { status.write(to: &$0, gateways: gateways, unsigned: unsigned) }
            } else {
                for line in status.lines(gateways: gateways, unsigned: unsigned) { printLine(line) }
            }
        }
    }
}

extension QueueStatus {
    /// Writes the members of the JSON document.
    ///
    /// - Parameters:
    ///   - json: The document.
    ///   - gateways: The gateways to describe.
    ///   - unsigned: How many webhooks wait because no secret is configured.
    fileprivate func write(to json: inout JSONWriter, gateways: [String], unsigned: Int) {
        json.object("states") { json in
            for state in RefundState.allCases { json.number(state.rawValue, states[state] ?? 0) }
        }
        json.object("attention") { json in
            for reason in Attention.allCases { json.number(reason.rawValue, attention[reason] ?? 0) }
        }
        json.number("oldest_pending_ms", oldestPending?.wholeMilliseconds)
        json.number("due_lag_ms", dueLag.wholeMilliseconds)
        json.object("webhooks") { json in
            for state in WebhookState.allCases { json.number(state.rawValue, webhooks[state] ?? 0) }
        }
        json.number("webhooks_without_secret", unsigned)
        json.object("endpoints") { json in endpoints.write(to: &json) }
        json.number("wal_bytes", walBytes)
        json.object("gateways") { json in
            for name in gateways { write(gateway: name, to: &json) }
        }
    }

    private func write(gateway name: String, to json: inout JSONWriter) {
        let (incident, breaker, sighting) = (incidents[name], breakers[name], sightings[name])
        json.object(name) { json in
            json.string("attention", incident?.kind.rawValue)
            json.string("code", incident?.code)
            json.string("message", incident?.message)
            json.time("since", incident?.since)
            json.raw("verified", isVerified(name).map { $0 ? "true" : "false" } ?? "null")
            json.time("last_verified_at", sighting?.lastVerified)
            json.string("last_error", sighting?.lastError)
            json.time("last_error_at", sighting?.lastErrorAt)
            json.string("breaker", breaker == nil ? "closed" : "open")
            json.time("breaker_since", breaker?.since)
            json.string("breaker_reason", breaker?.reason)
        }
    }

    /// Whether the gateway's deciding response verified: during an incident the one that began it, otherwise the last
    /// one; nil if the gateway was never queried.
    private func isVerified(_ gateway: String) -> Bool? {
        if let incident = incidents[gateway] { return incident.isVerified }
        guard let sighting = sightings[gateway], sighting.lastVerified != nil || sighting.lastErrorAt != nil else {
            return nil
        }
        return !sighting.isFailing
    }

    /// The status as lines for a terminal.
    fileprivate func lines(gateways: [String], unsigned: Int) -> [String] {
        var rows = RefundState.allCases.map { ["refunds \($0.rawValue)", "\(states[$0] ?? 0)"] }
        for reason in Attention.allCases where attention[reason] ?? 0 > 0 {
            rows.append(["needs attention: \(reason.rawValue)", "\(attention[reason] ?? 0)"])
        }
        rows.append(["oldest without a verdict", oldestPending?.rounded ?? "-"])
        rows.append(["due lag", dueLag.formatted])
        rows += WebhookState.allCases.map { ["webhooks \($0.rawValue)", "\(webhooks[$0] ?? 0)"] }
        if unsigned > 0 {
            rows.append([
                "webhooks without a secret", "\(unsigned) WAIT: name one in [webhook] secret_files and reload",
            ])
        }
        rows.append(["write-ahead log", "\(walBytes / 1_024) KiB"])
        for name in gateways { rows += health(of: name).map { ["gateway \(name)", $0] } }
        rows += endpoints.open.map { ["endpoint \($0)", "FAILING since \($1.since.iso8601): \($1.reason)"] }
        let unlisted = endpoints.openCount - endpoints.open.count
        if unlisted > 0 { rows.append(["further endpoints", "FAILING: \(unlisted)"]) }
        if endpoints.disabledCount > 0 {
            let hint = "--json lists them, `refundd redeliver` enables them"
            rows.append(["disabled URLs", "\(endpoints.disabledCount) (\(hint))"])
        }
        return TextTable.lines(rows)
    }

    private func health(of gateway: String) -> [String] {
        var lines: [String] = []
        let sighting = sightings[gateway]
        if let incident = incidents[gateway] {
            let isHint = incident.kind == .misconfigured && !incident.isVerified
            let hint = isHint ? " (not signed: only a hint)" : ""
            lines.append("\(incident.kind.rawValue.uppercased()) \(incident.code): \(incident.message)\(hint)")
        }
        if let breaker = breakers[gateway] {
            lines.append("ONLY PROBED since \(breaker.since.iso8601): \(breaker.reason)")
        }
        if lines.isEmpty, let sighting, sighting.isFailing, let error = sighting.lastError {
            lines.append("FAILING: \(error)")
        }
        let lastVerified = sighting?.lastVerified.map { "last verified answer \($0.iso8601)" }
        return (lines.isEmpty ? ["ok"] : lines) + [lastVerified ?? "no verified answer yet"]
    }
}

extension GatewaySighting {
    /// Whether the gateway failed after its last verified answer.
    fileprivate var isFailing: Bool {
        guard let lastErrorAt else { return false }
        return lastVerified.map { lastErrorAt > $0 } ?? true
    }
}

extension EndpointStatus {
    fileprivate func write(to json: inout JSONWriter) {
        json.number("open_count", openCount)
        json.array("open") { json in
            for (endpoint, breaker) in open {
                json.object { json in
                    json.string("endpoint", endpoint)
                    json.time("since", breaker.since)
                    json.string("reason", breaker.reason)
                }
            }
        }
        json.number("disabled_count", disabledCount)
        json.array("disabled") { json in
            for (url, health) in disabled {
                json.object { json in
                    json.string("url", url)
                    json.time("failing_since", health.failingSince)
                    json.time("disabled_at", health.disabling?.at)
                    json.string("reason", health.disabling?.reason)
                }
            }
        }
    }
}
