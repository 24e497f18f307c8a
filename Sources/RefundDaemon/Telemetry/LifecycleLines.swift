import Logging
import RefundAdmin
import RefundConfiguration
import RefundCore
import RefundScheduler
import RefundStore
import RefundWebhooks

extension LoadedConfiguration {
    /// The keys of the configuration that differ, and those whose files have new content.
    func changes(since old: LoadedConfiguration) -> [String] {
        var changes = configuration.changes(since: old.configuration)
        for (name, account) in credentials.gateways.sorted(by: { $0.key < $1.key }) {
            guard let before = old.credentials.gateways[name] else { continue }
            if account.signingKey != before.signingKey { changes.append("private key of gateway \(name)") }
            if account.verifyingKeys != before.verifyingKeys { changes.append("public keys of gateway \(name)") }
        }
        if credentials.secrets != old.credentials.secrets { changes.append("webhook secrets") }
        return changes
    }
}

extension Daemon {
    /// Logs what the daemon starts with.
    func reportStart(_ parts: Parts) async {
        let status: QueueStatus?? = await onDedicatedThread(grace: .zero) {
            try? parts.database.counting.read { tx throws(StoreError) in try tx.status(at: SystemClock().now()) }
        }
        var metadata: Logger.Metadata = [
            "version": "\(Version.current)", "configuration": "\(loaded.configuration.file)",
            "database": "\(parts.database.store.location)",
            "gateways": "\(loaded.configuration.gateways.keys.sorted().joined(separator: ", "))",
        ]
        if let status = status ?? nil {
            let open = RefundState.allCases.filter { !$0.isFinal }.reduce(0) { $0 + (status.states[$1] ?? 0) }
            metadata["without a verdict"] = "\(open)"
            metadata["need attention"] = "\(status.attention.values.reduce(0, +))"
            metadata["webhooks pending"] = "\(status.webhooks[.pending] ?? 0)"
            metadata["webhooks dead"] = "\(status.webhooks[.dead] ?? 0)"
        }
        logger.notice("started", metadata: metadata.id(.started))
        let reporter = Reporter(logger: logger, metrics: parts.registry)
        for (peer, pause) in (status ?? nil)?.pauses.sorted(by: { $0.key < $1.key }) ?? [] {
            reporter.report(pause, of: peer)
        }
    }
}
