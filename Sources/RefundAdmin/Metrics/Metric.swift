import RefundCore
import RefundStore

/// Every metric that refundd exposes, each declared here and nowhere else.
///
/// To add one, add a case with its ``declaration`` and record it where it happens. Names follow
/// <https://prometheus.io/docs/practices/naming/>. OpenMetrics strips `_total` from a counter's name, so no gauge may
/// have the name that remains.
package enum Metric: String, CaseIterable, Sendable {
    case attention = "refundd_refunds_attention"
    case buildInfo = "refundd_build_info"
    case cpuTime = "process_cpu_seconds_total"
    case daemons = "refundd_daemons"
    case databaseBytes = "refundd_database_bytes"
    case databaseFaults = "refundd_database_faults_total"
    case databaseFreeBytes = "refundd_database_free_bytes"
    case databaseReadable = "refundd_database_readable"
    case diskAvailableBytes = "refundd_disk_available_bytes"
    case dueLag = "refundd_due_lag_seconds"
    case endpoints = "refundd_endpoints"
    case endpointWebhooks = "refundd_endpoint_webhooks"
    case gatewayState = "refundd_gateway_state"
    case heartbeatLastSuccess = "refundd_heartbeat_last_success_timestamp_seconds"
    case lastReloadSuccessful = "refundd_config_last_reload_successful"
    case lastVerified = "refundd_gateway_last_verified_timestamp_seconds"
    case maximumDescriptors = "process_max_fds"
    case oldestPending = "refundd_oldest_pending_seconds"
    case openDescriptors = "process_open_fds"
    case pruned = "refundd_pruned_total"
    case queries = "refundd_queries_total"
    case queryDuration = "refundd_query_duration_seconds"
    case refunds = "refundd_refunds"
    case residentMemory = "process_resident_memory_bytes"
    case schedulerProgress = "refundd_scheduler_progress_timestamp_seconds"
    case settleDuration = "refundd_settle_duration_seconds"
    case startTime = "process_start_time_seconds"
    case transitions = "refundd_transitions_total"
    case virtualMemory = "process_virtual_memory_bytes"
    case walBytes = "refundd_wal_bytes"
    case webhookAttempts = "refundd_webhook_attempts_total"
    case webhookDuration = "refundd_webhook_duration_seconds"
    case webhooks = "refundd_webhooks"

    var declaration: Declaration {
        switch self {
        case .attention: .gauge("Refunds that need attention, by reason.", [Label("attention", Attention.self)])
        case .buildInfo: .gauge("Always 1, labelled with the running version.", [Label("version", .bounded)])
        case .cpuTime: .readCounter("CPU time that the process has spent, in user and kernel mode.")
        case .daemons: .gauge("Daemons that serve the queue and share its limits.")
        case .databaseBytes: .gauge("Size of the database file, without its write-ahead log.")
        case .databaseFaults:
            .counter("Number of times that the database began to fail, by kind.", [Label("kind", StoreError.Kind.self)])
        case .databaseFreeBytes: .gauge("Free space in the database file, which new rows use first.")
        case .databaseReadable: .gauge("1 if this scrape could read the queue. If 0, the queue's gauges are missing.")
        case .diskAvailableBytes: .gauge("Space left for the database on its file system.")
        case .dueLag: .gauge("How long the longest-due refund of a configured gateway has been due.", [.gateway])
        case .endpoints:
            .gauge(
                "Endpoints that are only probed or paused, and disabled URLs.",
                [Label("state", ["open", "disabled", "paused"])]
            )
        case .endpointWebhooks:
            .gauge(
                "Webhooks that wait or are dead, for the endpoints with the most of them.",
                [Label("endpoint", .bounded), Label("state", ["pending", "dead"])]
            )
        case .gatewayState:
            .gauge("1 for the state that a gateway is in, else 0.", [.gateway, Label("state", GatewayState.self)])
        case .heartbeatLastSuccess: .gauge("Unix time at which the monitor last accepted a heartbeat.")
        case .lastReloadSuccessful: .gauge("0 if the last reload of the configuration failed, else 1.")
        case .lastVerified: .gauge("Unix time of a gateway's last verified answer.", [.gateway])
        case .maximumDescriptors: .gauge("The most file descriptors that the process may open.")
        case .oldestPending: .gauge("Age of the oldest refund without a verdict.", [.gateway])
        case .openDescriptors: .gauge("Open file descriptors.")
        case .pruned:
            .counter("Rows that retention has pruned, and bodies of webhooks.", [Label("what", PrunedRows.names)])
        case .queries: .counter("Queries, by gateway and outcome.", [.gateway, .queryOutcome])
        case .queryDuration:
            .histogram("Time from sending a query to the end of its answer.", [.gateway], Self.exchange)
        case .refunds: .gauge("Refunds in the queue, by state.", [Label("state", RefundState.self)])
        case .residentMemory: .gauge("Resident memory of the process.")
        case .schedulerProgress: .gauge("Unix time at which the scheduler last completed a cycle.")
        case .settleDuration:
            .histogram("Time from enqueueing a refund to the gateway's verdict.", [.gateway], Self.settling)
        case .startTime: .gauge("Unix time at which the process started.")
        case .transitions:
            .counter(
                "Changes of a refund's state or attention, by refundd and by operators.",
                [.fromState, Label("to", RefundState.self)]
            )
        case .virtualMemory: .gauge("Virtual memory of the process.")
        case .walBytes: .gauge("Size of the database's write-ahead log.")
        case .webhookAttempts:
            .counter("Attempts to deliver a webhook, by outcome.", [Label("outcome", AttemptOutcome.self)])
        case .webhookDuration: .histogram("Duration of an attempt to deliver a webhook.", [], Self.exchange)
        case .webhooks: .gauge("Webhooks in the outbox, by state.", [Label("state", WebhookState.self)])
        }
    }

    /// Seconds, from a receiver on the same machine to the longest timeout that makes sense.
    private static let exchange = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    /// Seconds, from 10 s (a wallet) to 30 days (a bank transfer that an operator had to chase).
    private static let settling: [Double] = [
        10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400, 259_200, 604_800, 2_592_000,
    ]
}
