import RefundPostgresSupport
import RefundStoreConformance
import RefundStorePostgresSupport
import Testing

/// How the server finds rows, however many there are.
struct QueryPlanTests {
    private static let growing: Set<Substring> = [
        "refund_queue", "refund_outbox", "refund_event_log", "refund_transitions", "refund_outbox_attempts",
    ]
    // Read in the order of an index, and only so many rows.
    private static let inOrder: Set<Substring> = ["refund_outbox_turns"]

    // They read the status, compare the counts with all rows, look for claims as a daemon does that starts, and verify
    // what they pruned.
    private static let exhaustive: Set = [
        "pausedWorkIsNoLag", "countsFollowEveryChange", "claimsOfADaemonThatIsGoneEnd",
        "webhookThatAnEndedDaemonWasSendingIsDueAtOnce", "oldDeliveredWebhookLosesItsBodyAndItsAttempts",
        "supersededWebhookIsPrunedWithoutAnAttempt", "whatIsUnfinishedYoungOrDeadIsNeverPruned",
        "prunedRefundLeavesNothingButItsNumbers", "refundWithPrunedWebhooksIsPrunedLater", "pruningGoesStepByStep",
    ]

    @Test func everyStatementOfACycleFollowsAnIndex() throws {
        let server = try PostgresServer(
            settings: [
                "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0",
                "auto_explain.log_nested_statements=on", "log_line_prefix=%a@",
            ]
        )
        for behaviour in StoreBehaviour.cycles where !Self.exhaustive.contains(behaviour.description) {
            try behaviour.check(PostgresFixture(on: server))
        }
        let lines = try server.log().split(separator: "\n" as Character)
        let scan = /\s+(?:->\s+)?(?:\w+ )+?Scan (?:Backward )?(?:using (\S+) )?on (\w+)/
        var (plans, isStores, query) = (0, false, nil as Int?)
        var found: Set<String> = []
        for (index, line) in lines.enumerated() {
            if !line.hasPrefix("\t") {
                // A store's name is its schema's; an application's is empty. The other lines of an entry are indented.
                (isStores, query) = (line.hasPrefix("test_"), nil)
            } else if isStores, line.hasPrefix("\tQuery Text:") {
                (plans, query) = (plans + 1, index)
            }
            guard let query, let scan = line.prefixMatch(of: scan), Self.growing.contains(scan.2),
                !Self.inOrder.contains(scan.1 ?? "")
            else { continue }
            let next = index + 1 < lines.count ? lines[index + 1] : ""
            if !next.contains("Index Cond") { found.insert(lines[query...index].joined(separator: "\n")) }
        }
        #expect(plans > 1_000)
        #expect(found == [])
    }
}
