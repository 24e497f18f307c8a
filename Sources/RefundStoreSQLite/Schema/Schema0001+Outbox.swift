/// The first schema, continued: the outbox and the counts. This text is frozen.
extension Schema0001 {
    /// A webhook has the body of its event and its position, which is also the order of sending.
    ///
    /// The indexes `due` and `turns` hold exactly the webhooks that can be claimed. Enqueueing the same webhook
    /// again is ignored.
    static let outbox = #"""
        CREATE TABLE refund_outbox (
            position        INTEGER PRIMARY KEY,
            id              TEXT NOT NULL UNIQUE,
            refund_id       INTEGER,
            type            TEXT NOT NULL,
            url             TEXT NOT NULL,
            endpoint        TEXT NOT NULL,
            state           TEXT NOT NULL DEFAULT 'pending'
                            CHECK (state IN ('pending', 'delivered', 'dead', 'superseded')),
            attempts        INTEGER NOT NULL DEFAULT 0,
            next_attempt_at INTEGER,
            last_status     INTEGER,
            last_error      TEXT,
            delivered_at    INTEGER,
            lease           INTEGER NOT NULL DEFAULT 0,
            leased_until    INTEGER,
            redelivery      INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX refund_outbox_due ON refund_outbox (endpoint, next_attempt_at)
            WHERE state = 'pending' AND leased_until IS NULL;
        CREATE INDEX refund_outbox_turns ON refund_outbox (next_attempt_at, endpoint)
            WHERE state = 'pending' AND leased_until IS NULL;
        CREATE INDEX refund_outbox_leased ON refund_outbox (leased_until) WHERE leased_until IS NOT NULL;
        CREATE INDEX refund_outbox_refund ON refund_outbox (refund_id) WHERE refund_id IS NOT NULL;
        CREATE INDEX refund_outbox_state ON refund_outbox (state);
        CREATE TRIGGER refund_outbox_insert BEFORE INSERT ON refund_outbox BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: a webhook has the position, refund and type of its event')
                WHERE NOT EXISTS (SELECT 1 FROM refund_event_log WHERE position = NEW.position
                AND refund_id IS NEW.refund_id AND type = NEW.type);
            SELECT CASE WHEN position = NEW.position AND id = NEW.id AND url = NEW.url THEN RAISE(IGNORE)
                ELSE RAISE(ABORT, 'refund_outbox: a webhook is never replaced') END
                FROM refund_outbox WHERE position = NEW.position;
            SELECT RAISE(ABORT, 'refund_outbox: a webhook is never replaced')
                WHERE EXISTS (SELECT 1 FROM refund_outbox WHERE id = NEW.id);
        END;
        CREATE TRIGGER refund_outbox_identity BEFORE UPDATE OF position, rowid, oid, _rowid_, id, refund_id, type, url,
            endpoint ON refund_outbox
        WHEN OLD.position IS NOT NEW.position OR OLD.id IS NOT NEW.id OR OLD.refund_id IS NOT NEW.refund_id
            OR OLD.type IS NOT NEW.type OR OLD.url IS NOT NEW.url OR OLD.endpoint IS NOT NEW.endpoint
        BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: the event and the destination of a webhook never change');
        END;
        CREATE TRIGGER refund_outbox_delete BEFORE DELETE ON refund_outbox BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: a webhook is never deleted');
        END;

        CREATE VIEW refund_webhooks AS
            SELECT o.id, o.refund_id, e.sequence, o.type, o.url, CAST(e.body AS BLOB) AS body, o.state, o.attempts,
            o.next_attempt_at, o.last_status, o.last_error, e.at AS created_at, o.delivered_at
            FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position;
        CREATE TRIGGER refund_webhooks_insert INSTEAD OF INSERT ON refund_webhooks BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: read-only, refundd writes it');
        END;
        CREATE TRIGGER refund_webhooks_update INSTEAD OF UPDATE ON refund_webhooks BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: read-only, refundd writes it; to send a webhook again run \#
        refundd redeliver');
        END;
        CREATE TRIGGER refund_webhooks_delete INSTEAD OF DELETE ON refund_webhooks BEGIN
            SELECT RAISE(ABORT, 'refund_webhooks: read-only, refundd writes it');
        END;
        """#

    /// One row per attempt, numbered by the claim (`lease`) that made it.
    ///
    /// Recording the same attempt again is ignored.
    static let attempts = #"""
        CREATE TABLE refund_outbox_attempts (
            id          INTEGER PRIMARY KEY,
            position    INTEGER NOT NULL,
            lease       INTEGER NOT NULL,
            at          INTEGER NOT NULL,
            status      INTEGER,
            error       TEXT,
            duration_ms INTEGER,
            answer      BLOB,
            UNIQUE (position, lease)
        );
        CREATE TRIGGER refund_outbox_attempts_insert BEFORE INSERT ON refund_outbox_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_outbox_attempts: append-only; leave id out') WHERE NEW.id <> -1;
            SELECT CASE WHEN at = NEW.at AND status IS NEW.status THEN RAISE(IGNORE)
                ELSE RAISE(ABORT, 'refund_outbox_attempts: append-only; a row is never changed') END
                FROM refund_outbox_attempts WHERE position = NEW.position AND lease = NEW.lease;
        END;
        CREATE TRIGGER refund_outbox_attempts_inserted AFTER INSERT ON refund_outbox_attempts WHEN NEW.id < 1 BEGIN
            SELECT RAISE(ABORT, 'refund_outbox_attempts: append-only; leave id out');
        END;
        CREATE TRIGGER refund_outbox_attempts_update BEFORE UPDATE ON refund_outbox_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_outbox_attempts: append-only; a row is never changed');
        END;
        CREATE TRIGGER refund_outbox_attempts_delete BEFORE DELETE ON refund_outbox_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_outbox_attempts: append-only; a row is never deleted');
        END;

        CREATE VIEW refund_webhook_attempts AS
            SELECT o.id AS webhook_id, a.at, a.status, a.error, a.duration_ms, a.answer
            FROM refund_outbox_attempts a JOIN refund_outbox o ON o.position = a.position;
        CREATE TRIGGER refund_webhook_attempts_insert INSTEAD OF INSERT ON refund_webhook_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_webhook_attempts: read-only, refundd writes it');
        END;
        CREATE TRIGGER refund_webhook_attempts_update INSTEAD OF UPDATE ON refund_webhook_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_webhook_attempts: read-only, refundd writes it');
        END;
        CREATE TRIGGER refund_webhook_attempts_delete INSTEAD OF DELETE ON refund_webhook_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_webhook_attempts: read-only, refundd writes it');
        END;
        """#

    /// The numbers of refunds and webhooks in each state, kept current by triggers: counting a queue of ten million
    /// refunds takes a second.
    static let counts = #"""
        CREATE TABLE refund_counts (
            counted TEXT NOT NULL,
            state   TEXT NOT NULL,
            number  INTEGER NOT NULL,
            PRIMARY KEY (counted, state)
        ) WITHOUT ROWID;
        INSERT INTO refund_counts (counted, state, number) VALUES
            ('refund_queue', 'pending', 0), ('refund_queue', 'processing', 0), ('refund_queue', 'settled', 0),
            ('refund_queue', 'failed', 0), ('refund_queue', 'abandoned', 0), ('refund_outbox', 'pending', 0),
            ('refund_outbox', 'delivered', 0), ('refund_outbox', 'dead', 0), ('refund_outbox', 'superseded', 0);
        CREATE TRIGGER refund_queue_counted AFTER INSERT ON refund_queue BEGIN
            UPDATE refund_counts SET number = number + 1 WHERE counted = 'refund_queue' AND state = NEW.state;
        END;
        CREATE TRIGGER refund_queue_recounted AFTER UPDATE OF state ON refund_queue WHEN OLD.state IS NOT NEW.state BEGIN
            UPDATE refund_counts SET number = number - 1 WHERE counted = 'refund_queue' AND state = OLD.state;
            UPDATE refund_counts SET number = number + 1 WHERE counted = 'refund_queue' AND state = NEW.state;
        END;
        CREATE TRIGGER refund_outbox_counted AFTER INSERT ON refund_outbox BEGIN
            UPDATE refund_counts SET number = number + 1 WHERE counted = 'refund_outbox' AND state = NEW.state;
        END;
        CREATE TRIGGER refund_outbox_recounted AFTER UPDATE OF state ON refund_outbox WHEN OLD.state IS NOT NEW.state
        BEGIN
            UPDATE refund_counts SET number = number - 1 WHERE counted = 'refund_outbox' AND state = OLD.state;
            UPDATE refund_counts SET number = number + 1 WHERE counted = 'refund_outbox' AND state = NEW.state;
        END;
        """#
}
