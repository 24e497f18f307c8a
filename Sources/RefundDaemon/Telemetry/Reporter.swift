import CoreMetrics
import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStore
import Synchronization

/// Turns the scheduler's events into log lines and metrics.
struct Reporter: Sendable {
    let logger: Logger
    let metrics: any MetricsFactory
    private let failing = FailingEndpoints()

    /// Reports the events of a cycle.
    func report(_ events: [SchedulerEvent]) {
        Metric.schedulerProgress.set(Double(SystemClock().now().milliseconds) / 1_000, in: metrics)
        for event in events { report(event) }
    }

    private func report(_ event: SchedulerEvent) {
        switch event {
        case .queried(let gateway, let refund, let outcome, let duration):
            Metric.queries.increment(gateway, outcome.kind, in: metrics)
            Metric.queryDuration.record(duration, gateway, in: metrics)
            if case .notFound = outcome, refund.isUnknownAgain { reportUnknown(refund) }
            guard let problem = outcome.problem else { return }
            logger.debug("query without a verdict", metadata: identify(refund, ["problem": "\(problem)"]))
        case .transition(let refund, let transition):
            report(transition, of: refund)
        case .delayed(let refund, let delay):
            logger.info(
                "refund is delayed",
                metadata: identify(refund, ["without a verdict for": "\(delay.formatted)"])
            )
        case .attempted(let delivery, let outcome, let result, let disabling):
            report(delivery, outcome, result, disabling)
        case .gatewayFailing(let gateway, let reason):
            logger.warning(
                "a query failed for the first time since the gateway's last verified answer",
                metadata: ["gateway": "\(gateway)", "reason": "\(reason)"].id(.gatewayFailing)
            )
        case .incident(let gateway, let incident):
            report(incident, of: gateway)
        case .gatewayRecovered(let gateway):
            logger.notice("the gateway's answers verify again", metadata: ["gateway": "\(gateway)"])
        case .gatewayBreakerOpened(let gateway, let reason):
            logger.warning(
                "the gateway is down or throttles us; probing with one refund at a time",
                metadata: ["gateway": "\(gateway)", "reason": "\(reason)"].id(.gatewayProbed)
            )
        case .gatewayBreakerClosed(let gateway):
            logger.notice("the gateway answers again", metadata: ["gateway": "\(gateway)"])
        case .endpointBreakerOpened(let endpoint, let reason):
            logger.warning(
                "endpoint keeps failing; probing with one webhook at a time",
                metadata: ["endpoint": "\(endpoint)", "reason": "\(reason)"].id(.endpointProbed)
            )
        case .endpointBreakerClosed(let endpoint):
            logger.notice("endpoint accepts webhooks again", metadata: ["endpoint": "\(endpoint)"])
        case .paused(let peer, let pause):
            report(pause, of: peer)
        case .resumed(let peer):
            logger.notice("resumed", metadata: ["peer": "\(peer)"].id(.resumed))
        case .urlDisabled(let delivery, let disabling):
            // The URL itself may contain a token, so the message names the webhook instead.
            let remedy = "once it accepts webhooks again, run: refundd redeliver \(delivery.id)"
            logger.error(
                "webhook URL disabled; its webhooks become dead as they fall due; \(remedy)",
                metadata: identify(delivery, ["reason": "\(disabling.reason)"]).id(.urlDisabled)
            )
        case .webhooksUnsigned(let count):
            logger.error(
                "no secret is configured, so webhooks wait; name one in [webhook] secret_files and restart",
                metadata: ["count": "\(count)"]
            )
        case .rejected(let what, let reason), .store(.rejected(let what, let reason)):
            logger.error("the database rejected a write", metadata: ["what": "\(what)", "reason": "\(reason)"])
        case .releasedClaims(let count):
            logger.warning("released orphaned claims", metadata: ["count": "\(count)"])
        case .proved: break
        case .clockSetBack(let step):
            logger.warning(
                "the clock was set back; due times move with it",
                metadata: ["by": "\(step.formatted)"].id(.clockSetBack)
            )
        case .pruned(let rows):
            for (name, count) in rows.named where count > 0 { Metric.pruned.increment(name, by: count, in: metrics) }
        case .retentionPassed(let rows):
            logger.notice(
                "pruned what [retention] no longer keeps",
                metadata: Logger.Metadata(rows.named.map { ($0.name, "\($0.count)") }) { first, _ in first }
            )
        case .store(.walGrew(let bytes, let holders)):
            logger.warning(
                "the write-ahead log keeps growing because a process keeps a transaction open; end it",
                metadata: ["bytes": "\(bytes)", "open in": "\(holders.joined(separator: ", "))"].id(.walGrowing)
            )
        case .store(.schemaRestored(let names)):
            logger.warning(
                "restored tables, guards or indexes that somebody dropped or changed; run refundd verify",
                metadata: ["names": "\(names.joined(separator: ", "))"].id(.schemaRestored)
            )
        case .store(.unservable(let refund)):
            logger.error(
                "a refund came in while the guards were missing; check it, or abandon it and enqueue it again",
                metadata: ["problem": "\(refund)"]
            )
        case .store(.schemaBroken(let name, let reason)):
            logger.error(
                "a table, guard or index is missing or changed and cannot be restored; run refundd verify",
                metadata: ["name": "\(name)", "reason": "\(reason)"].id(.schemaBroken)
            )
        case .store(.commitsUnwatched(let reason, let remedy)):
            logger.warning(
                "cannot watch for inserts, and looks for them several times a second instead; \(remedy)",
                metadata: ["reason": "\(reason)"].id(.commitsUnwatched)
            )
        case .store(.tookOver(let daemon, let claims)):
            logger.warning(
                "another daemon is gone; released what it was about to query or send",
                metadata: ["daemon": "\(daemon)", "claims": "\(claims)"].id(.tookOver)
            )
        case .store(.takenForDead):
            logger.warning(
                "the other daemons took this one for dead; it goes on with new claims",
                metadata: Logger.Metadata().id(.takenForDead)
            )
        case .store(.snapshotHeld(let holder, let time)):
            logger.warning(
                "a transaction or replication slot keeps old rows from being cleaned up; end it, or queries slow down",
                metadata: ["holder": "\(holder)", "for": "\(time?.formatted ?? "unknown")"].id(.snapshotHeld)
            )
        }
    }

    /// Logs that a peer is paused.
    func report(_ pause: Pause, of peer: Peer) {
        var metadata: Logger.Metadata = [
            "peer": "\(peer)", "since": "\(pause.since.iso8601Seconds)", "by": "\(pause.actor)",
        ]
        if let reason = pause.reason { metadata["reason"] = "\(reason)" }
        logger.warning("paused; to go on, run: \(peer.resumeCommand)", metadata: metadata.id(.paused))
    }

    private func reportUnknown(_ refund: Refund) {
        let number = (refund.merchantOrderNo ?? refund.transNo ?? "").asShellWord
        logger.notice(
            "the gateway does not know the refund; if it was never submitted under this number, run: refundd show \(number)",
            metadata: identify(refund, [:])
        )
    }

    private func report(_ incident: GatewayIncident, of gateway: String) {
        let problem =
            switch incident.kind {
            case .misconfigured:
                "it refuses our credentials or its answers do not verify, and is probed with one refund at a time; "
                    + "check app_id, private_key_file, public_key_files and the clock"
            case .unreachable:
                "no answer has verified for \(GatewayHealth.period.formatted); check its URL, the network and its operator"
            }
        logger.error(
            "gateway needs an operator: \(problem)",
            metadata: [
                "gateway": "\(gateway)", "code": "\(incident.code)", "message": "\(incident.message)",
                "verified": "\(incident.isVerified)",
            ].id(incident.kind == .misconfigured ? .gatewayMisconfigured : .gatewayUnreachable)
        )
    }

    private func report(_ transition: Transition, of refund: Refund) {
        Metric.transitions.increment(transition.from.rawValue, transition.to.rawValue, in: metrics)
        if transition.to != transition.from, transition.to.isFinal, transition.actor == Transition.refundd {
            Metric.settleDuration.record(refund.age(at: transition.at), refund.gateway, in: metrics)
        }
        guard let attention = transition.attention else {
            return logger.info("refund changed", metadata: identify(refund, transition))
        }
        var metadata = identify(refund, transition)
        metadata["attention"] = "\(attention.rawValue)"
        logger.warning("refund needs attention", metadata: metadata.id(attention))
    }

    private func report(
        _ delivery: Delivery,
        _ outcome: DeliveryOutcome,
        _ result: AttemptRecord.Result,
        _ disabling: URLHealth.Disabling?
    ) {
        var end = Metric.AttemptOutcome.failed
        if outcome.isDelivered { end = .delivered } else if case .dead = result { end = .dead }
        Metric.webhookAttempts.increment(end.rawValue, in: metrics)
        Metric.webhookDuration.record(outcome.duration, in: metrics)
        let isFirstFailure = failing.note(delivery.endpoint, isFailing: outcome.error != nil)
        guard let error = outcome.error else {
            return logger.info("webhook delivered", metadata: identify(delivery, outcome))
        }
        var metadata = identify(delivery, outcome)
        metadata["error"] = "\(error)"
        switch result {
        case .dead where outcome.isGone:
            logger.error("webhook is dead: the receiver answered 410 Gone", metadata: metadata.id(.webhookDead))
        case .dead where disabling != nil:
            logger.error("webhook is dead: its URL is disabled", metadata: metadata.id(.webhookDead))
        case .dead:
            logger.error("webhook is dead: its last retry failed", metadata: metadata.id(.webhookDead))
        case .superseded:
            logger.notice("webhook not delivered; a newer event supersedes it", metadata: metadata)
        case .retry where isFirstFailure:
            logger.warning(
                "a webhook failed for the first time since its endpoint accepted one; it is sent again",
                metadata: metadata.id(.endpointFailing)
            )
        case .delivered, .retry:
            logger.notice("webhook not delivered yet", metadata: metadata)
        }
    }

    /// Logs that the database has begun to fail, or works again.
    func report(fault: StoreError?) {
        if let fault { Metric.databaseFaults.increment(fault.kind.rawValue, in: metrics) }
        if let fault, fault.isFatal {
            logger.critical(
                "stopping: the database can no longer be trusted",
                metadata: ["error": "\(fault)"].id(.databaseLost)
            )
        } else if let fault {
            logger.error("database write failed, retrying", metadata: ["error": "\(fault)"].id(.databaseFailing))
        } else {
            logger.notice("database writes succeed again")
        }
    }

    // Only called for a line that is written: most levels leave out most lines.

    private func identify(_ delivery: Delivery, _ outcome: DeliveryOutcome) -> Logger.Metadata {
        var metadata = identify(
            delivery,
            ["attempt": "\(delivery.attempts + 1)", "endpoint": "\(delivery.endpoint)"]
        )
        if let status = outcome.status { metadata["status"] = "\(status)" }
        return metadata
    }

    private func identify(_ refund: Refund, _ transition: Transition) -> Logger.Metadata {
        var metadata = identify(refund, ["state": "\(transition.to.rawValue)"])
        if let reason = transition.reason { metadata["reason"] = "\(reason)" }
        return metadata
    }

    private func identify(_ refund: Refund, _ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["refund_id": "\(refund.id)", "gateway": "\(refund.gateway)"]
        if let number = refund.merchantOrderNo ?? refund.transNo { metadata["order"] = "\(number)" }
        return metadata.merging(more) { _, new in new }
    }

    private func identify(_ delivery: Delivery, _ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["webhook_id": "\(delivery.id)"]
        if let id = delivery.refundID { metadata["refund_id"] = "\(id)" }
        if let order = delivery.order { metadata["order"] = "\(order)" }
        return metadata.merging(more) { _, new in new }
    }
}

extension Refund {
    /// Whether to report that the gateway does not know the refund: at the second query of a new one, or at the first after
    /// another answer.
    fileprivate var isUnknownAgain: Bool { isUnknownOrder ? attempts == 1 : attempts > 0 }
}

/// The endpoints whose last webhook was not accepted.
private final class FailingEndpoints: Sendable {
    // Bounds the memory: endpoints' names come from applications.
    private static let limit = 1_000

    private let endpoints = Mutex<Set<String>>([])

    /// Records the end of an attempt.
    ///
    /// - Returns: Whether it is the first failure since an attempt succeeded.
    func note(_ endpoint: String, isFailing: Bool) -> Bool {
        endpoints.withLock { endpoints in
            guard isFailing else {
                endpoints.remove(endpoint)
                return false
            }
            return endpoints.count < Self.limit && endpoints.insert(endpoint).inserted
        }
    }
}
