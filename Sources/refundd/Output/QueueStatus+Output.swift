import RefundCore
import RefundStoreSQLite

extension QueueStatus {
    /// Writes the members of the JSON document.
    func write(to json: inout JSONText, gateways: [String]) {
        json.object("states") { json in
            for state in RefundState.allCases { json.number(state.rawValue, states[state] ?? 0) }
        }
        json.object("attention") { json in
            for reason in Attention.allCases { json.number(reason.rawValue, attention[reason] ?? 0) }
        }
        json.number("oldest_pending_ms", oldestPending?.wholeMilliseconds)
        json.number("due_lag_ms", dueLag.wholeMilliseconds)
        json.object("webhooks") { json in
            for (state, count) in webhooks { json.number(state, count) }
        }
        json.object("endpoints") { json in endpoints.write(to: &json) }
        json.number("wal_bytes", walBytes)
        json.object("gateways") { json in
            for gateway in gateways {
                let trouble = troubles[gateway]
                let breaker = breakers[gateway]
                json.object(gateway) { json in
                    json.string("attention", trouble == nil ? nil : Attention.misconfigured.rawValue)
                    json.string("code", trouble?.code)
                    json.string("message", trouble?.message)
                    json.number("since", trouble?.since.milliseconds)
                    json.raw("verified", trouble.map { $0.isVerified ? "true" : "false" } ?? "null")
                    json.string("breaker", breaker == nil ? "closed" : "open")
                    json.number("breaker_since", breaker?.since.milliseconds)
                    json.string("breaker_reason", breaker?.reason)
                }
            }
        }
    }

    /// The figures as lines for a terminal.
    func lines(gateways: [String]) -> [String] {
        var rows = RefundState.allCases.map { ["refunds \($0.rawValue)", "\(states[$0] ?? 0)"] }
        for reason in Attention.allCases where attention[reason] ?? 0 > 0 {
            rows.append(["needs attention: \(reason.rawValue)", "\(attention[reason] ?? 0)"])
        }
        rows.append(["oldest without a verdict", oldestPending?.roughly ?? "-"])
        rows.append(["due lag", dueLag.formatted])
        rows += webhooks.map { ["webhooks \($0.state)", "\($0.count)"] }
        rows.append(["write-ahead log", "\(walBytes / 1_024) KiB"])
        rows += gateways.flatMap { gateway in health(of: gateway).map { ["gateway \(gateway)", $0] } }
        rows += endpoints.open.map { ["endpoint \($0)", "FAILING since \($1.since.iso8601): \($1.reason)"] }
        let unlisted = endpoints.openCount - endpoints.open.count
        if unlisted > 0 { rows.append(["further endpoints", "FAILING: \(unlisted)"]) }
        if endpoints.disabledCount > 0 {
            rows.append(["URLs disabled", "\(endpoints.disabledCount) (--json lists them, redeliver enables them)"])
        }
        return RefundTable.aligned(rows)
    }

    private func health(of gateway: String) -> [String] {
        var problems: [String] = []
        if let trouble = troubles[gateway] {
            let hint = trouble.isVerified ? "" : " (not signed: only a hint)"
            problems.append("MISCONFIGURED \(trouble.code): \(trouble.message)\(hint)")
        }
        if let breaker = breakers[gateway] {
            problems.append("ONLY PROBED since \(breaker.since.iso8601): \(breaker.reason)")
        }
        return problems.isEmpty ? ["ok"] : problems
    }
}

extension EndpointStatus {
    fileprivate func write(to json: inout JSONText) {
        json.number("open_count", openCount)
        json.array("open") { json in
            for (endpoint, breaker) in open {
                json.object { json in
                    json.string("endpoint", endpoint)
                    json.number("since", breaker.since.milliseconds)
                    json.string("reason", breaker.reason)
                }
            }
        }
        json.number("disabled_count", disabledCount)
        json.array("disabled") { json in
            for (url, health) in disabled {
                json.object { json in
                    json.string("url", url)
                    json.number("failing_since", health.failingSince.milliseconds)
                    json.number("disabled_at", health.disabling?.at.milliseconds)
                    json.string("reason", health.disabling?.reason)
                }
            }
        }
    }
}
