package import RefundConfiguration
package import RefundCore
package import RefundStore

/// An operator's order to pause a gateway or an endpoint, or to resume it.
package enum PauseRequest: Sendable {
    /// Pauses a peer.
    ///
    /// - Parameters:
    ///   - peer: The gateway or endpoint.
    ///   - pause: When, by whom and why.
    ///   - configuration: The configuration, which names the gateways.
    ///   - tx: The transaction to write in.
    /// - Returns: What to tell the operator, line by line; or why nothing is paused, and nothing is written then.
    /// - Throws: `StoreError` if the database fails.
    package static func pause(
        _ peer: Peer,
        _ pause: Pause,
        _ configuration: Configuration,
        _ tx: any QueueWriter
    ) throws(StoreError) -> Result<[String], CommandFailure> {
        if case .gateway(let name) = peer, configuration.gateways[name] == nil {
            let known = configuration.gateways.keys.sorted().joined(separator: ", ")
            return .failure(
                CommandFailure(.usage, ["there is no gateway \"\(name)\"; the configuration has: \(known)"])
            )
        }
        if let current = try tx.pause(peer, pause) {
            return .failure(CommandFailure(.failed, ["\(peer) is already paused \(current.description)"]))
        }
        let effect =
            switch peer {
            case .gateway: "its refunds are not queried any more; queries in flight end as usual"
            case .endpoint: "no more webhooks are sent to it, and none uses up a retry; those in flight end as usual"
            }
        var lines = ["\(peer) is paused: \(effect)", "to go on, run: \(peer.resumeCommand)"]
        if case .endpoint(let name) = peer, try !isInUse(name, configuration, tx) {
            lines.append("note: refundd has not sent anything to \(name) lately, and no webhook waits for it")
        }
        return .success(lines)
    }

    /// Resumes a peer, whether or not the configuration still has it.
    ///
    /// - Parameters:
    ///   - peer: The gateway or endpoint.
    ///   - actor: The operator.
    ///   - tx: The transaction to write in.
    ///   - now: The time.
    /// - Returns: What to tell the operator, line by line; or why there is nothing to resume.
    /// - Throws: `StoreError` if the database fails.
    package static func resume(
        _ peer: Peer,
        by actor: String,
        _ tx: any QueueWriter,
        at now: Timestamp
    ) throws(StoreError) -> Result<[String], CommandFailure> {
        if let ended = try tx.resume(peer, by: actor, at: now) {
            let length = max(now.duration(since: ended.since), .zero).rounded
            return .success(["\(peer) is resumed; it was paused for \(length), \(ended.description)"])
        }
        let others = try tx.pauses().keys.sorted().map(\.description).joined(separator: ", ")
        let hint = others.isEmpty ? "nothing is" : "paused: \(others)"
        return .failure(CommandFailure(.failed, ["\(peer) is not paused; \(hint)"]))
    }

    // Whether webhooks go there: by the configuration, or as far as the latest ones tell.
    private static func isInUse(
        _ endpoint: String,
        _ configuration: Configuration,
        _ tx: any QueueReader
    ) throws(StoreError) -> Bool {
        if configuration.webhook.url.map(HTTPURL.endpoint(of:)) == endpoint { return true }
        if try tx.endpointStandings()[endpoint] != nil { return true }
        return try tx.endpointBacklogs().contains { $0.endpoint == endpoint }
    }
}
