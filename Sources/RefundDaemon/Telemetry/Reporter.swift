import CoreMetrics
import Logging
import RefundAdmin
import RefundCore
import RefundScheduler
import RefundStoreSQLite

/// Turns the pipeline's notes into log lines and metrics.
struct Reporter: Sendable {
    let logger: Logger
    let metrics: any MetricsFactory

    /// Reports what happened in a cycle that was just completed.
    func report(_ notes: [EngineNote]) {
        Metric.schedulerProgress.set(Double(SystemClock().now().milliseconds) / 1_000, in: metrics)
        for note in notes { report(note) }
    }

    private func report(_ note: EngineNote) {
        switch note {
        case .answered(let gateway, let refund, let outcome, let duration):
            Metric.queries.increment(gateway, outcome.kind, in: metrics)
            Metric.queryDuration.record(duration, gateway, in: metrics)
            guard let problem = outcome.problem else { return }
            logger.debug("query without a verdict", metadata: identify(refund, ["problem": "\(problem)"]))
        case .transition(let refund, let transition):
            report(transition, of: refund)
        case .delivery(let delivery, let outcome, let isDead):
            report(delivery, outcome, isDead: isDead)
        case .gatewayTrouble(let gateway, let trouble):
            let message =
                "the gateway refuses our credentials or cannot be believed; it is asked slowly until an answer"
                + " verifies: check app_id, private_key_file, public_key_files and the clock"
            logger.error(
                "\(message)",
                metadata: [
                    "gateway": "\(gateway)", "code": "\(trouble.code)", "message": "\(trouble.message)",
                    "verified": "\(trouble.isVerified)",
                ]
            )
        case .gatewayRecovered(let gateway):
            logger.notice("the gateway's answers verify again", metadata: ["gateway": "\(gateway)"])
        case .breakerOpened(let gateway, let reason):
            logger.warning(
                "the gateway is down or asks to be asked less; it is asked with one refund at a time until it answers",
                metadata: ["gateway": "\(gateway)", "reason": "\(reason)"]
            )
        case .breakerClosed(let gateway):
            logger.notice("the gateway answers again", metadata: ["gateway": "\(gateway)"])
        case .endpointFails(let endpoint, let reason):
            logger.warning(
                "webhook after webhook to an endpoint fails; one at a time is sent to it until one is taken",
                metadata: ["endpoint": "\(endpoint)", "reason": "\(reason)"]
            )
        case .endpointRecovered(let endpoint):
            logger.notice("the endpoint takes webhooks again", metadata: ["endpoint": "\(endpoint)"])
        case .urlDisabled(let delivery, let disabling):
            // The URL itself may hold a token; the webhook leads to it.
            let message =
                "the webhook's URL is disabled, and all its webhooks are dead as they come due; once it takes them"
                + " again, enable it with: refundd redeliver \(delivery.id)"
            logger.error("\(message)", metadata: ["webhook_id": "\(delivery.id)", "reason": "\(disabling.reason)"])
        case .refused(let what, let reason):
            logger.error("the database refused a result", metadata: ["what": "\(what)", "reason": "\(reason)"])
        case .logGrew(let bytes, let users):
            logger.warning(
                "the write-ahead log of the database grows: a program keeps a transaction open; end it",
                metadata: ["bytes": "\(bytes)", "open in": "\(users.joined(separator: ", "))"]
            )
        }
    }

    private func report(_ transition: Transition, of refund: Refund) {
        Metric.transitions.increment(transition.from.rawValue, transition.to.rawValue, in: metrics)
        if transition.to != transition.from, transition.to.isFinal, transition.actor == Transition.refundd {
            Metric.settleDuration.record(refund.age(at: transition.at), refund.gateway, in: metrics)
        }
        var metadata = identify(refund, ["state": "\(transition.to.rawValue)"])
        if let reason = transition.reason { metadata["reason"] = "\(reason)" }
        guard let attention = transition.attention else {
            return logger.info("refund changed", metadata: metadata)
        }
        metadata["attention"] = "\(attention.rawValue)"
        logger.warning("refund needs attention", metadata: metadata)
    }

    private func report(_ delivery: Delivery, _ outcome: DeliveryOutcome, isDead: Bool) {
        let end: Metric.AttemptOutcome = outcome.isDelivered ? .delivered : isDead ? .dead : .failed
        Metric.webhookAttempts.increment(end.rawValue, in: metrics)
        Metric.webhookDuration.record(outcome.duration, in: metrics)
        var metadata: Logger.Metadata = ["webhook_id": "\(delivery.id)", "attempt": "\(delivery.attempts + 1)"]
        if let id = delivery.refundID { metadata["refund_id"] = "\(id)" }
        if let status = outcome.status { metadata["status"] = "\(status)" }
        guard let error = outcome.error else { return logger.info("webhook delivered", metadata: metadata) }
        metadata["error"] = "\(error)"
        if isDead {
            logger.error("webhook is dead: its last retry failed", metadata: metadata)
        } else {
            logger.notice("webhook not delivered yet", metadata: metadata)
        }
    }

    /// Logs that the database refuses transactions, or takes them again.
    func report(fault: StoreError?) {
        if let fault, fault.isBeyondRetrying {
            logger.critical("refundd stops: the database can no longer be trusted", metadata: ["error": "\(fault)"])
        } else if let fault {
            logger.error("the database refuses to be written; trying again", metadata: ["error": "\(fault)"])
        } else {
            logger.notice("the database can be written again")
        }
    }

    private func identify(_ refund: Refund, _ more: Logger.Metadata) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["refund_id": "\(refund.id)", "gateway": "\(refund.gateway)"]
        if let number = refund.merchantOrderNo ?? refund.transNo { metadata["order"] = "\(number)" }
        return metadata.merging(more) { _, new in new }
    }
}
