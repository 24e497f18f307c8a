/// The ledger: one row per change of a refund's state or attention, only ever appended to.
enum LedgerSchema {
    static let tables = """
        CREATE TABLE refund_transitions (
            id           INTEGER PRIMARY KEY AUTOINCREMENT,
            refund_id    INTEGER NOT NULL REFERENCES refund_queue (id),
            sequence     INTEGER NOT NULL,
            at           INTEGER NOT NULL,
            from_state   TEXT NOT NULL,
            to_state     TEXT NOT NULL,
            attention    TEXT,
            reason       TEXT,
            trans_status INTEGER,
            verdict      TEXT,
            code         TEXT,
            psn          TEXT,
            response     BLOB,
            actor        TEXT NOT NULL,
            UNIQUE (refund_id, sequence)
        );
        """

    /// SQL for whether a state is final.
    ///
    /// For a list of more than two values after `IN`, SQLite fills a table of its own each time a trigger runs.
    static func isFinal(_ state: String) -> String {
        "(\(state) = 'settled' OR \(state) = 'failed' OR \(state) = 'abandoned')"
    }

    // Checking sequence and id at the insert is also what stops REPLACE, which fires no DELETE trigger.
    static let triggers = """
        CREATE TRIGGER refund_transitions_insert BEFORE INSERT ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; leave id out') WHERE NEW.id <> -1;
            SELECT RAISE(ABORT, 'refund_transitions: append-only; the next row of a refund has the next sequence')
                WHERE NEW.sequence IS NOT
                (SELECT ifnull(max(sequence), 0) + 1 FROM refund_transitions WHERE refund_id = NEW.refund_id);
            SELECT RAISE(ABORT, 'refund_transitions: from_state is not the state of the refund')
                WHERE NOT EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id AND state = NEW.from_state);
        END;
        CREATE TRIGGER refund_transitions_inserted AFTER INSERT ON refund_transitions WHEN NEW.id < 1 BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; leave id out');
        END;
        CREATE TRIGGER refund_transitions_update BEFORE UPDATE ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; a row is never changed');
        END;
        CREATE TRIGGER refund_transitions_delete BEFORE DELETE ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; a row is never deleted');
        END;
        """

    /// No verdict without what it stands on, whose mistake it would ever be: a row that ends a refund carries the answer
    /// that says so, or the person who does, with a reason.
    static let verdicts = """
        DROP TRIGGER refund_transitions_insert;
        CREATE TRIGGER refund_transitions_insert BEFORE INSERT ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; leave id out') WHERE NEW.id <> -1;
            SELECT RAISE(ABORT, 'refund_transitions: append-only; the next row of a refund has the next sequence')
                WHERE NEW.sequence IS NOT
                (SELECT ifnull(max(sequence), 0) + 1 FROM refund_transitions WHERE refund_id = NEW.refund_id);
            SELECT RAISE(ABORT, 'refund_transitions: from_state is not the state of the refund')
                WHERE NOT EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id AND state = NEW.from_state);
            SELECT RAISE(ABORT, 'refund_transitions: a final state is never left')
                WHERE \(isFinal("NEW.from_state")) AND NEW.to_state IS NOT NEW.from_state;
            SELECT RAISE(ABORT, 'refund_transitions: a verdict of refundd carries the signed answer that says so')
                WHERE NEW.actor = 'refundd' AND NEW.to_state IS NOT NEW.from_state
                AND \(isFinal("NEW.to_state")) AND NOT (
                    NEW.response IS NOT NULL AND NEW.verdict IS NEW.to_state AND NEW.to_state <> 'abandoned'
                );
            SELECT RAISE(ABORT, 'refund_transitions: a verdict of a person names the person and the reason')
                WHERE NEW.actor IS NOT 'refundd' AND NEW.to_state IS NOT NEW.from_state
                AND \(isFinal("NEW.to_state"))
                AND (ifnull(trim(NEW.actor), '') = '' OR ifnull(trim(NEW.reason), '') = '');
        END;
        """

    /// A person who has not been asked has no say.
    static let resolutions = """
        CREATE TRIGGER refund_transitions_resolved AFTER INSERT ON refund_transitions
        WHEN NEW.actor IS NOT 'refundd' AND NEW.to_state IS NOT NEW.from_state
            AND NEW.to_state IN ('settled', 'failed')
            AND EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id AND attention IS NULL)
        BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: a person settles or fails only what needs attention');
        END;
        """
}
