import RefundCore

/// How many refunds and webhooks are in each state, kept by the very statements that change them.
///
/// Counted over an index, a queue that has settled ten million refunds would take a second for every look at its status.
enum CountSchema {
    private static let counted = [
        (table: "refund_queue", states: RefundState.allCases.map(\.rawValue)),
        (table: "refund_webhooks", states: WebhookState.allCases.map(\.rawValue)),
    ]

    static let table = """
        CREATE TABLE refund_counts (
            counted TEXT NOT NULL,
            state   TEXT NOT NULL,
            number  INTEGER NOT NULL,
            PRIMARY KEY (counted, state)
        ) WITHOUT ROWID;
        """

    static let presets = counted.flatMap { table, states in
        states.map { state in
            """
            INSERT INTO refund_counts
            SELECT '\(table)', '\(state)', count(*) FROM \(table) WHERE state = '\(state)';
            """
        }
    }.joined(separator: "\n")

    static let triggers = counted.map { table, _ in
        """
        CREATE TRIGGER \(table)_counted AFTER INSERT ON \(table) BEGIN
            UPDATE refund_counts SET number = number + 1 WHERE counted = '\(table)' AND state = NEW.state;
        END;
        CREATE TRIGGER \(table)_recounted AFTER UPDATE OF state ON \(table) WHEN OLD.state IS NOT NEW.state BEGIN
            UPDATE refund_counts SET number = number - 1 WHERE counted = '\(table)' AND state = OLD.state;
            UPDATE refund_counts SET number = number + 1 WHERE counted = '\(table)' AND state = NEW.state;
        END;
        """
    }.joined(separator: "\n")
}
