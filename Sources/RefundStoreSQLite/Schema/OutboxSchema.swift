/// The outbox, its attempts, the log of every event behind the `refund_events` view, and the gateways' health.
enum OutboxSchema {
    static let tables = """
        CREATE TABLE refund_event_log (
            position   INTEGER PRIMARY KEY AUTOINCREMENT,
            at         INTEGER NOT NULL,
            type       TEXT NOT NULL,
            refund_id  INTEGER,
            sequence   INTEGER,
            state      TEXT,
            webhook_id TEXT,
            body       TEXT NOT NULL
        );
        CREATE VIEW refund_events AS
            SELECT e.position, e.at, e.type, e.refund_id, q.merchant_order_no, e.state, e.body
            FROM refund_event_log e LEFT JOIN refund_queue q ON q.id = e.refund_id ORDER BY e.position;
        CREATE TABLE refund_webhooks (
            id              TEXT PRIMARY KEY NOT NULL,
            refund_id       INTEGER,
            sequence        INTEGER,
            type            TEXT NOT NULL,
            url             TEXT NOT NULL,
            body            BLOB NOT NULL,
            state           TEXT NOT NULL DEFAULT 'pending'
                            CHECK (state IN ('pending', 'delivered', 'dead', 'superseded')),
            attempts        INTEGER NOT NULL DEFAULT 0,
            next_attempt_at INTEGER,
            last_status     INTEGER,
            last_error      TEXT,
            created_at      INTEGER NOT NULL,
            delivered_at    INTEGER,
            endpoint        TEXT NOT NULL,
            position        INTEGER NOT NULL,
            leased_until    INTEGER
        );
        CREATE TABLE refund_webhook_attempts (
            id          INTEGER PRIMARY KEY AUTOINCREMENT,
            webhook_id  TEXT NOT NULL,
            at          INTEGER NOT NULL,
            status      INTEGER,
            error       TEXT,
            duration_ms INTEGER,
            answer      BLOB
        );
        CREATE TABLE refund_gateways (
            name     TEXT PRIMARY KEY NOT NULL,
            code     TEXT NOT NULL,
            message  TEXT NOT NULL,
            verified INTEGER NOT NULL,
            since    INTEGER NOT NULL
        );
        """

    // As in the queue, a webhook whose attempt is in flight is not in `due`.
    static let indexes = """
        CREATE INDEX refund_event_log_refund ON refund_event_log (refund_id, position);
        CREATE INDEX refund_webhooks_due ON refund_webhooks (endpoint, next_attempt_at)
            WHERE state = 'pending' AND leased_until IS NULL;
        CREATE INDEX refund_webhooks_leased ON refund_webhooks (leased_until) WHERE leased_until IS NOT NULL;
        CREATE INDEX refund_webhooks_refund ON refund_webhooks (refund_id, sequence);
        CREATE INDEX refund_webhooks_state ON refund_webhooks (state, created_at);
        CREATE INDEX refund_webhook_attempts_webhook ON refund_webhook_attempts (webhook_id);
        """

    // REPLACE deletes the old row without firing a DELETE trigger, so what would replace one is refused at the insert.
    static let triggers = """
        CREATE TRIGGER refund_event_log_insert BEFORE INSERT ON refund_event_log WHEN NEW.position <> -1 BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; leave position out');
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
        CREATE TRIGGER refund_webhooks_insert BEFORE INSERT ON refund_webhooks
        WHEN NEW.rowid <> -1 OR EXISTS (SELECT 1 FROM refund_webhooks WHERE id = NEW.id) BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: a webhook is never replaced; give a new one an id of its own');
        END;
        CREATE TRIGGER refund_webhooks_identity BEFORE UPDATE ON refund_webhooks
        WHEN OLD.id IS NOT NEW.id OR OLD.refund_id IS NOT NEW.refund_id OR OLD.sequence IS NOT NEW.sequence
            OR OLD.type IS NOT NEW.type OR OLD.body IS NOT NEW.body
        BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: what a webhook says never changes');
        END;
        CREATE TRIGGER refund_webhooks_delete BEFORE DELETE ON refund_webhooks BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: a webhook is never deleted');
        END;
        """

    /// A webhook that a person sends again is exempt from being overtaken by a newer event.
    static let redelivery = """
        ALTER TABLE refund_webhooks ADD COLUMN redelivery INTEGER NOT NULL DEFAULT 0;
        """

    /// Where a webhook goes and what it overtakes is a part of what it is.
    static let routes = """
        DROP TRIGGER refund_webhooks_identity;
        CREATE TRIGGER refund_webhooks_identity BEFORE UPDATE OF id, refund_id, sequence, type, body, url, endpoint, position
            ON refund_webhooks
        WHEN OLD.id IS NOT NEW.id OR OLD.refund_id IS NOT NEW.refund_id OR OLD.sequence IS NOT NEW.sequence
            OR OLD.type IS NOT NEW.type OR OLD.body IS NOT NEW.body OR OLD.url IS NOT NEW.url
            OR OLD.endpoint IS NOT NEW.endpoint OR OLD.position IS NOT NEW.position
        BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: what a webhook says and where it goes never change');
        END;
        """

    /// What is known against URLs that take no webhooks, and which breakers of the running daemon are open.
    static let health = """
        CREATE TABLE refund_endpoints (
            url           TEXT PRIMARY KEY NOT NULL,
            failing_since INTEGER NOT NULL,
            failed_at     INTEGER NOT NULL,
            disabled_at   INTEGER,
            reason        TEXT
        );
        CREATE TABLE refund_breakers (
            kind   TEXT NOT NULL,
            name   TEXT NOT NULL,
            since  INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (kind, name)
        );
        """
}
