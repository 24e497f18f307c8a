/// What people did that changed neither state nor attention, and that the ledger has no row for: only ever appended to.
enum ActionSchema {
    static let table = """
        CREATE TABLE refund_actions (
            id         INTEGER PRIMARY KEY AUTOINCREMENT,
            at         INTEGER NOT NULL,
            actor      TEXT NOT NULL,
            action     TEXT NOT NULL,
            refund_id  INTEGER,
            webhook_id TEXT
        );
        CREATE INDEX refund_actions_refund ON refund_actions (refund_id) WHERE refund_id IS NOT NULL;
        """

    // Checking the id at the insert is also what stops REPLACE, which fires no DELETE trigger.
    static let triggers = """
        CREATE TRIGGER refund_actions_insert BEFORE INSERT ON refund_actions WHEN NEW.id <> -1 BEGIN
            SELECT RAISE(ABORT, 'refund_actions: append-only; leave id out');
        END;
        CREATE TRIGGER refund_actions_inserted AFTER INSERT ON refund_actions WHEN NEW.id < 1 BEGIN
            SELECT RAISE(ABORT, 'refund_actions: append-only; leave id out');
        END;
        CREATE TRIGGER refund_actions_update BEFORE UPDATE ON refund_actions BEGIN
            SELECT RAISE(ABORT, 'refund_actions: append-only; a row is never changed');
        END;
        CREATE TRIGGER refund_actions_delete BEFORE DELETE ON refund_actions BEGIN
            SELECT RAISE(ABORT, 'refund_actions: append-only; a row is never deleted');
        END;
        """
}
