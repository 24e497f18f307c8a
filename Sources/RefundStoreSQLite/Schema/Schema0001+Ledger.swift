/// The first schema, continued: what refundd writes. This text is frozen.
///
/// REPLACE deletes the old row without firing a DELETE trigger, so the INSERT guards reject rows that would replace
/// one. A missing integer key reads as -1 in a BEFORE trigger; an AFTER trigger rejects a real -1.
extension Schema0001 {
    /// The ledger: one row per change of a refund's state or attention.
    ///
    /// `verdict` is the verdict of the signed answer in `response`. `enqueued_at` and `number` identify the row's
    /// refund: after a restore, another refund may have its row id.
    static let ledger = #"""
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
            code         TEXT,
            psn          TEXT,
            response     BLOB,
            actor        TEXT NOT NULL,
            verdict      TEXT,
            enqueued_at  INTEGER,
            number       TEXT,
            UNIQUE (refund_id, sequence)
        );
        CREATE TRIGGER refund_transitions_insert BEFORE INSERT ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; leave id out') WHERE NEW.id <> -1;
            SELECT RAISE(ABORT, 'refund_transitions: append-only; the next row of a refund has the next sequence')
                WHERE NEW.sequence IS NOT
                (SELECT ifnull(max(sequence), 0) + 1 FROM refund_transitions WHERE refund_id = NEW.refund_id);
            SELECT RAISE(ABORT, 'refund_transitions: from_state is not the state of the refund')
                WHERE NOT EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id AND state = NEW.from_state);
            SELECT RAISE(ABORT,
                'refund_transitions: enqueued_at and number are those of another refund; this row id was used again')
                WHERE NOT EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id
                AND created_at = NEW.enqueued_at AND ifnull(ifnull(merchant_order_no, trans_no), '') = NEW.number);
            SELECT RAISE(ABORT, 'refund_transitions: unknown verdict') WHERE NOT
                (NEW.verdict IS NULL OR NEW.verdict = 'processing' OR NEW.verdict = 'settled' OR NEW.verdict = 'failed');
            SELECT RAISE(ABORT, 'refund_transitions: a final state is never left')
                WHERE (NEW.from_state = 'settled' OR NEW.from_state = 'failed' OR NEW.from_state = 'abandoned')
                AND NEW.to_state IS NOT NEW.from_state;
            SELECT RAISE(ABORT, 'refund_transitions: a verdict of refundd carries the signed answer that says so')
                WHERE NEW.actor = 'refundd' AND NEW.to_state IS NOT NEW.from_state
                AND (NEW.to_state = 'settled' OR NEW.to_state = 'failed' OR NEW.to_state = 'abandoned')
                AND (NEW.response IS NULL OR NEW.verdict IS NOT NEW.to_state);
            SELECT RAISE(ABORT, 'refund_transitions: a verdict of an operator names the operator and the reason')
                WHERE NEW.actor IS NOT 'refundd' AND NEW.to_state IS NOT NEW.from_state
                AND (NEW.to_state = 'settled' OR NEW.to_state = 'failed' OR NEW.to_state = 'abandoned')
                AND (ifnull(trim(NEW.actor), '') = '' OR ifnull(trim(NEW.reason), '') = '');
            SELECT RAISE(ABORT, 'refund_transitions: an operator settles or fails only a refund that needs attention')
                WHERE NEW.actor IS NOT 'refundd' AND NEW.to_state IS NOT NEW.from_state
                AND (NEW.to_state = 'settled' OR NEW.to_state = 'failed')
                AND EXISTS (SELECT 1 FROM refund_queue WHERE id = NEW.refund_id AND attention IS NULL);
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
        """#

    /// Every event, whether or not a webhook is sent for it.
    ///
    /// Logging the same event again is ignored, so that a write can be repeated after a commit of unknown outcome.
    static let events = #"""
        CREATE TABLE refund_event_log (
            position  INTEGER PRIMARY KEY AUTOINCREMENT,
            at        INTEGER NOT NULL,
            type      TEXT NOT NULL,
            refund_id INTEGER,
            sequence  INTEGER,
            gateway   TEXT,
            state     TEXT,
            body      TEXT NOT NULL
        );
        CREATE UNIQUE INDEX refund_event_log_refund ON refund_event_log (refund_id, sequence, type)
            WHERE refund_id IS NOT NULL;
        CREATE UNIQUE INDEX refund_event_log_gateway ON refund_event_log (gateway, type, at)
            WHERE gateway IS NOT NULL;
        CREATE TRIGGER refund_event_log_insert BEFORE INSERT ON refund_event_log BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; leave position out') WHERE NEW.position <> -1;
            SELECT RAISE(ABORT, 'refund_event_log: an event names a refund with its sequence, or a gateway')
                WHERE (NEW.refund_id IS NULL) = (NEW.gateway IS NULL)
                OR (NEW.refund_id IS NULL) <> (NEW.sequence IS NULL);
            SELECT CASE WHEN body = NEW.body THEN RAISE(IGNORE)
                ELSE RAISE(ABORT, 'refund_event_log: append-only; an event is never changed') END
                FROM refund_event_log
                WHERE refund_id = NEW.refund_id AND sequence = NEW.sequence AND type = NEW.type;
            SELECT CASE WHEN body = NEW.body THEN RAISE(IGNORE)
                ELSE RAISE(ABORT, 'refund_event_log: append-only; an event is never changed') END
                FROM refund_event_log WHERE gateway = NEW.gateway AND type = NEW.type AND at = NEW.at;
        END;
        CREATE TRIGGER refund_event_log_inserted AFTER INSERT ON refund_event_log WHEN NEW.position < 1 BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; leave position out');
        END;
        CREATE TRIGGER refund_event_log_update BEFORE UPDATE ON refund_event_log BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; an event is never changed');
        END;
        CREATE TRIGGER refund_event_log_delete BEFORE DELETE ON refund_event_log BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; an event is never deleted');
        END;

        CREATE VIEW refund_events AS
            SELECT e.position, e.at, e.type, e.refund_id, q.merchant_order_no, e.state, e.body
            FROM refund_event_log e LEFT JOIN refund_queue q ON q.id = e.refund_id ORDER BY e.position;
        CREATE TRIGGER refund_events_insert INSTEAD OF INSERT ON refund_events BEGIN
            SELECT RAISE(ABORT, 'refund_events: read-only, refundd writes it');
        END;
        CREATE TRIGGER refund_events_update INSTEAD OF UPDATE ON refund_events BEGIN
            SELECT RAISE(ABORT, 'refund_events: read-only, refundd writes it');
        END;
        CREATE TRIGGER refund_events_delete INSTEAD OF DELETE ON refund_events BEGIN
            SELECT RAISE(ABORT, 'refund_events: read-only, refundd writes it');
        END;
        """#

    /// Health of gateways and endpoints, and operators' actions that have no row in the ledger.
    ///
    /// `refund_incidents` has a row per gateway, or per merchant of a gateway, that needs an operator. `refund_breakers`
    /// has the open circuit breakers of the running daemon.
    static let operations = #"""
        CREATE TABLE refund_gateways (
            name             TEXT PRIMARY KEY NOT NULL,
            last_verified_at INTEGER,
            last_error       TEXT,
            last_error_at    INTEGER
        );
        CREATE TABLE refund_incidents (
            gateway     TEXT NOT NULL,
            merchant_no TEXT NOT NULL DEFAULT '',
            attention   TEXT NOT NULL,
            code        TEXT NOT NULL,
            message     TEXT NOT NULL,
            verified    INTEGER NOT NULL,
            since       INTEGER NOT NULL,
            PRIMARY KEY (gateway, merchant_no)
        );
        CREATE TABLE refund_endpoints (
            url           TEXT PRIMARY KEY NOT NULL,
            failing_since INTEGER NOT NULL,
            failed_at     INTEGER NOT NULL,
            disabled_at   INTEGER,
            reason        TEXT
        );
        CREATE TABLE refund_breakers (
            kind          TEXT NOT NULL,
            name          TEXT NOT NULL,
            since         INTEGER NOT NULL,
            reason        TEXT NOT NULL,
            next_probe_at INTEGER,
            PRIMARY KEY (kind, name)
        );

        CREATE TABLE refund_actions (
            id         INTEGER PRIMARY KEY AUTOINCREMENT,
            at         INTEGER NOT NULL,
            actor      TEXT NOT NULL,
            action     TEXT NOT NULL,
            refund_id  INTEGER,
            webhook_id TEXT
        );
        CREATE INDEX refund_actions_refund ON refund_actions (refund_id) WHERE refund_id IS NOT NULL;
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

        CREATE TRIGGER refund_migrations_insert BEFORE INSERT ON refund_migrations BEGIN
            SELECT RAISE(ABORT, 'refund_migrations: refundd alone writes it')
                WHERE EXISTS (SELECT 1 FROM refund_migrations WHERE id = NEW.id);
        END;
        CREATE TRIGGER refund_migrations_update BEFORE UPDATE ON refund_migrations BEGIN
            SELECT RAISE(ABORT, 'refund_migrations: refundd alone writes it');
        END;
        CREATE TRIGGER refund_migrations_delete BEFORE DELETE ON refund_migrations BEGIN
            SELECT RAISE(ABORT, 'refund_migrations: refundd alone writes it');
        END;
        """#
}
