import RefundCore
import RefundDaemon
import RefundStore

extension QueueReport {
    /// Writes the members of the JSON document.
    func write(to json: inout JSONWriter) {
        json.bool("healthy", isHealthy)
        json.object("daemon") { json in daemon.write(to: &json) }
        json.array("daemons") { json in
            for daemon in status.daemons.isEmpty ? daemon.daemons : status.daemons {
                json.object { json in
                    json.number("id", daemon.id)
                    json.string("host", daemon.host)
                    json.number("pid", Int64(daemon.pid))
                    json.string("version", daemon.version)
                    json.time("since", daemon.since)
                    json.time("last_seen_at", daemon.lastSeen)
                }
            }
        }
        json.array("taken_over") { json in
            for gone in status.gone {
                json.object { json in
                    json.string("daemon", gone.name)
                    json.time("at", gone.at)
                }
            }
        }
        json.string("database", database)
        json.array("findings") { json in
            for finding in findings { finding.write(to: &json) }
        }
        json.object("states") { json in
            for state in RefundState.allCases { json.number(state.rawValue, status.states[state] ?? 0) }
        }
        json.object("attention") { json in
            for reason in Attention.allCases { json.number(reason.rawValue, status.attention[reason] ?? 0) }
        }
        json.number("oldest_pending_ms", status.oldestPending?.wholeMilliseconds)
        json.number("due_lag_ms", status.dueLag.wholeMilliseconds)
        json.object("webhooks") { json in
            for state in WebhookState.allCases { json.number(state.rawValue, status.webhooks[state] ?? 0) }
        }
        json.object("endpoints") { json in
            status.endpoints.write(to: &json)
            json.array("paused") { json in
                for case (.endpoint(let endpoint), let pause) in status.pauses.sorted(by: { $0.key < $1.key }) {
                    json.object { json in
                        json.string("endpoint", endpoint)
                        json.time("since", pause.since)
                        json.string("by", pause.actor)
                        json.string("reason", pause.reason)
                    }
                }
            }
        }
        json.number("wal_bytes", status.walBytes)
        json.number("file_bytes", status.fileBytes)
        json.number("free_bytes", status.freeBytes)
        json.object("gateways") { json in
            for name in gateways { write(gateway: name, to: &json) }
        }
    }

    private func write(gateway name: String, to json: inout JSONWriter) {
        let (incident, breaker, sighting) = (status.incidents[name], status.breakers[name], status.sightings[name])
        let pause = status.pauses[.gateway(name)]
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
            json.time("next_probe_at", breaker?.nextProbe)
            json.time("paused_since", pause?.since)
            json.string("paused_by", pause?.actor)
            json.string("pause_reason", pause?.reason)
        }
    }

    /// Whether the gateway's deciding response verified: during an incident the one that began it, otherwise the last
    /// one; nil if the gateway was never queried.
    private func isVerified(_ gateway: String) -> Bool? {
        if let incident = status.incidents[gateway] { return incident.isVerified }
        guard let sighting = status.sightings[gateway], sighting.lastVerified != nil || sighting.lastErrorAt != nil
        else {
            return nil
        }
        return !sighting.isFailing
    }
}

extension DaemonReport {
    fileprivate func write(to json: inout JSONWriter) {
        let daemon: ServingDaemon? = if case .running(let daemon) = presence { daemon } else { nil }
        json.bool("running", isKnownToRun)
        json.string("state", state)
        json.number("pid", daemon.map { Int64($0.pid) })
        json.string("version", daemon?.version)
        json.time("since", daemon?.since)
        json.raw("ready", readiness.map { $0.isReady ? "true" : "false" } ?? "null")
        json.strings("reasons", readiness?.reasons ?? [])
    }

    private var isKnownToRun: Bool { if case .running = presence { true } else { false } }

    private var state: String {
        switch presence {
        case .running: presence.isStarting ? "starting" : "running"
        case .absent: "stopped"
        case .unknown: "unknown"
        }
    }
}

extension Finding {
    /// Writes the finding as an object.
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.string("gravity", "\(gravity)")
            json.string("subject", subject)
            json.string("text", text)
            json.string("command", command)
        }
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
                    json.time("next_probe_at", breaker.nextProbe)
                }
            }
        }
        json.array("refusing") { json in
            for refusal in refusals {
                json.object { json in
                    json.string("endpoint", refusal.endpoint)
                    json.time("since", refusal.since)
                    json.number("attempts", refusal.attempts)
                    json.string("reason", refusal.reason)
                    json.number("waiting", refusal.waiting)
                    json.time("next_attempt_at", refusal.next)
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
