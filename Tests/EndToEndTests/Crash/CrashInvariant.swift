import RefundCore

/// Something that holds whatever happened, as SQL that finds what breaks it.
struct CrashInvariant {
    let name: String
    /// Selects one column: what breaks it.
    let broken: String

    /// One query for all of them, with the columns `invariant` and `what`.
    static func query(for invariants: [CrashInvariant]) -> String {
        invariants
            .map { "SELECT * FROM (SELECT '\($0.name)' AS invariant, '' || what AS what FROM (\($0.broken)) LIMIT 5)" }
            .joined(separator: "\nUNION ALL\n")
    }

    /// How the refunds ended, for the queries below.
    static let views = """
        CREATE TEMP VIEW verdict AS
            SELECT q.*, ifnull(q.merchant_order_no, q.trans_no) AS number, t.at AS ended_at, t.sequence AS last
            FROM main.refund_queue q JOIN main.refund_transitions t ON t.refund_id = q.id AND t.to_state = q.state
            WHERE q.state IN ('settled', 'failed', 'abandoned') AND t.from_state <> t.to_state;
        """

    // MARK: - After each kill

    /// What holds in the database that was left behind, beside what `refundd verify` checks.
    static let inDatabase = state + durability

    private static let state = [
        CrashInvariant(
            name: "a refund that has ended is not due, in flight or asked for",
            broken: """
                SELECT number AS what FROM verdict
                WHERE next_query_at IS NOT NULL OR leased_until IS NOT NULL OR last_query_at > ended_at
                """
        ),
        CrashInvariant(
            name: "positions rise without a gap",
            broken: """
                SELECT position AS what FROM (SELECT position, row_number() OVER (ORDER BY position) AS place
                FROM main.refund_event_log) WHERE position <> place
                """
        ),
        CrashInvariant(
            name: "every event has a webhook, as the configuration wants it",
            broken: """
                SELECT position AS what FROM main.refund_event_log e
                WHERE NOT EXISTS (SELECT 1 FROM main.refund_outbox w WHERE w.position = e.position)
                """
        ),
        CrashInvariant(
            name: "a refund has one webhook in flight at a time",
            broken: """
                SELECT refund_id AS what FROM main.refund_outbox WHERE leased_until IS NOT NULL
                GROUP BY refund_id HAVING count(*) > 1
                """
        ),
        CrashInvariant(
            name: "every attempt is counted",
            broken: """
                SELECT id AS what FROM main.refund_webhooks w WHERE attempts <>
                (SELECT count(*) FROM main.refund_webhook_attempts a WHERE a.webhook_id = w.id)
                """
        ),
    ]

    // What SQLite acknowledged is still there, unchanged.
    private static let durability =
        [("refund_transitions", "id"), ("refund_event_log", "position"), ("refund_outbox_attempts", "id")]
        .map { table, key in
            CrashInvariant(
                name: "no row of \(table) is lost or changed",
                broken: "SELECT \(key) AS what FROM (SELECT * FROM earlier.\(table) EXCEPT SELECT * FROM main.\(table))"
            )
        } + [
            CrashInvariant(
                name: "what an application was told is enqueued is there",
                broken: """
                    SELECT number AS what FROM run.lives WHERE number < (SELECT max(number) FROM run.lives)
                    AND NOT EXISTS (SELECT 1 FROM main.refund_queue WHERE merchant_order_no = 'OK-' || (lives.number - 1))
                    """
            ),
            CrashInvariant(
                name: "no refund goes back",
                broken: """
                    SELECT e.id AS what FROM earlier.refund_queue e LEFT JOIN main.refund_queue q ON q.id = e.id
                    WHERE q.id IS NULL OR q.attempts < e.attempts
                    OR (e.state IN ('settled', 'failed', 'abandoned') AND (q.state <> e.state
                        OR q.attempts <> e.attempts OR q.last_query_at <> e.last_query_at))
                    """
            ),
            CrashInvariant(
                name: "no webhook goes back",
                broken: """
                    SELECT e.id AS what FROM earlier.refund_webhooks e LEFT JOIN main.refund_webhooks w ON w.id = e.id
                    WHERE w.id IS NULL OR w.body <> e.body OR w.url <> e.url OR w.attempts < e.attempts
                    OR (e.state <> 'pending' AND w.state <> e.state)
                    """
            ),
        ]

    // MARK: - At the end

    /// What simulator and receivers logged, as tables of the run.
    ///
    /// A webhook that a kill cut off is there, and does not verify.
    static let logTables = """
        CREATE TABLE asked AS SELECT rowid AS place, line ->> 'at' AS at,
            ifnull(line ->> 'merchant_order_no', line ->> 'trans_no') AS number FROM simulator_log
            WHERE line ->> 'verdict' = 'answered';
        CREATE INDEX asked_number ON asked (number, at);
        CREATE TABLE received AS SELECT rowid AS place, line ->> 'at' AS at, line ->> 'id' AS id, line ->> 'body' AS body,
            line ->> '$.verified[0]' AS verified FROM receiver_log;
        CREATE INDEX received_id ON received (id);
        """

    /// How long after its launch the next daemon asked for each interrupted refund, where it got so far.
    static let delays = """
        SELECT i.number, l.serves_at, l.ended_at, min(a.at) AS asked_at, min(a.at) - l.launched_at AS delay
        FROM interrupted i JOIN lives l ON l.number = i.life + 1 AND i.is_certain
        JOIN main.refund_queue q ON i.number IN (q.merchant_order_no, q.trans_no) AND q.gateway = 'default'
        LEFT JOIN asked a ON a.number = i.number AND a.at BETWEEN l.launched_at AND l.ended_at
        GROUP BY i.number, i.life
        """

    static let atTheEnd = [
        CrashInvariant(
            name: "every refund ends",
            broken: "SELECT id AS what FROM main.refund_queue WHERE state NOT IN ('settled', 'failed')"
        ),
        CrashInvariant(
            name: "the webhook of every final state arrives",
            broken: """
                SELECT v.number AS what FROM verdict v WHERE NOT EXISTS (SELECT 1 FROM main.refund_event_log e
                JOIN main.refund_outbox o USING (position) JOIN received r ON r.id = o.id WHERE e.refund_id = v.id AND e.sequence = v.last AND r.verified)
                """
        ),
        CrashInvariant(
            name: "the trouble with a gateway is told once, which arrives, and ends",
            broken: """
                SELECT position AS what FROM (SELECT e.position, o.id, row_number() OVER (ORDER BY e.position) AS place
                    FROM main.refund_event_log e LEFT JOIN main.refund_outbox o USING (position)
                    WHERE e.type = 'gateway.needs_attention' AND e.body ->> '$.data.gateway' = 'closed')
                WHERE place > 1 OR ifnull(id, '') NOT IN (SELECT id FROM received WHERE verified)
                UNION ALL SELECT gateway FROM main.refund_incidents
                """
        ),
        CrashInvariant(
            name: "a refund that has ended is not asked for again",
            broken: "SELECT a.number AS what FROM asked a JOIN verdict v ON v.number = a.number WHERE a.at > v.ended_at"
        ),
        CrashInvariant(
            name: "a refund is asked for once per attempt, and once more per interruption",
            broken: """
                SELECT number || ': ' || attempts || ' attempts, asked ' || n || ', interrupted ' || cut AS what FROM
                (SELECT number, attempts, (SELECT count(*) FROM asked a WHERE a.number = v.number) AS n,
                    (SELECT count(*) FROM interrupted i WHERE i.number = v.number) AS cut
                FROM verdict v WHERE gateway = 'default' AND merchant_no IS NULL) WHERE n NOT BETWEEN attempts AND attempts + cut
                """
        ),
        CrashInvariant(
            name: "a webhook arrives once per attempt, and once more per interruption",
            broken: """
                SELECT w.id AS what FROM main.refund_webhooks w WHERE (SELECT count(*) FROM received r WHERE r.id = w.id)
                > attempts + (SELECT count(*) FROM interrupted i WHERE i.number = w.id)
                """
        ),
        CrashInvariant(
            name: "a connection that its server cut off costs no attempt",
            broken: """
                SELECT webhook_id || ': ' || error AS what FROM main.refund_webhook_attempts WHERE status IS NULL
                AND error LIKE '%connection ended%'
                """
        ),
        CrashInvariant(
            name: "an id has one body, that of the outbox",
            broken: """
                SELECT r.id AS what FROM received r LEFT JOIN main.refund_webhooks w ON w.id = r.id
                WHERE w.id IS NULL OR CASE WHEN r.verified THEN CAST(w.body AS TEXT) <> r.body
                ELSE instr(CAST(w.body AS TEXT), r.body) <> 1 END
                """
        ),
        CrashInvariant(
            name: "no event of a refund arrives after a newer one",
            broken: """
                SELECT refund_id || ': ' || before || ' before ' || sequence AS what FROM
                (SELECT w.refund_id, w.sequence, lag(w.sequence) OVER (PARTITION BY w.refund_id ORDER BY place) AS before
                FROM received r JOIN main.refund_webhooks w ON w.id = r.id WHERE r.verified) WHERE before > sequence
                """
        ),
        CrashInvariant(
            name: "a webhook that was overtaken while it was being sent is not sent again",
            broken: """
                SELECT i.number AS what FROM interrupted i JOIN lives l ON l.number = i.life + 1
                JOIN received r ON r.id = i.number AND r.at > l.launched_at WHERE i.is_overtaken
                """
        ),
        CrashInvariant(
            name: "an interrupted refund is asked for within 3 s of the restart",
            broken: """
                SELECT number || ': ' || ifnull(delay || ' ms', 'never') AS what FROM (\(delays))
                WHERE ifnull(asked_at, ended_at) - serves_at > \(Duration.seconds(3).patiently.wholeMilliseconds)
                """
        ),
    ]
}
