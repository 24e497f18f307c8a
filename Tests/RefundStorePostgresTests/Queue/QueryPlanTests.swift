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
        // A store's name is its schema's; an application's is empty. The lines of an entry but the first are indented.
        let plans = try server.log().split(separator: "\ntest_").dropFirst().compactMap { entry in
            let lines = entry.split(separator: "\n").dropFirst().prefix { $0.hasPrefix("\t") }
            return lines.first?.contains("Query Text:") == true ? Array(lines) : nil
        }
        #expect(plans.count > 1_000)
        var found: Set<String> = []
        for plan in plans {
            for (line, next) in zip(plan, plan.dropFirst() + [""]) {
                guard let scan = line.firstMatch(of: /Scan (?:Backward )?(?:using (\S+) )?on (\w+)/),
                    Self.growing.contains(scan.2), !Self.inOrder.contains(scan.1 ?? "")
                else { continue }
                if !next.contains("Index Cond") { found.insert(plan.joined(separator: "\n")) }
            }
        }
        #expect(found == [])
    }
}
