/// The first schema, continued: the outbox, the counts, and the wake-up. This text is frozen.
extension Schema0001 {
    /// A webhook has the body of its event and its position, which is also the order of sending.
    ///
    /// As in the queue, no index has a claim in it. The index `kept` holds exactly the webhooks that may be pruned one
    /// day. Enqueueing the same webhook again is ignored.
    static let outbox = #"""
        CREATE TABLE refund_outbox (
            position        bigint PRIMARY KEY,
            id              text COLLATE "C" NOT NULL UNIQUE,
            refund_id       bigint,
            type            text COLLATE "C" NOT NULL,
            url             text COLLATE "C" NOT NULL,
            endpoint        text COLLATE "C" NOT NULL,
            state           text COLLATE "C" NOT NULL DEFAULT 'pending'
                            CHECK (state IN ('pending', 'delivered', 'dead', 'superseded')),
            attempts        bigint NOT NULL DEFAULT 0,
            next_attempt_at bigint,
            last_status     integer,
            last_error      text COLLATE "C",
            delivered_at    bigint,
            lease           bigint NOT NULL DEFAULT 0,
            claimed_by      integer,
            leased_until    bigint,
            redelivery      integer NOT NULL DEFAULT 0,
            pruned_at       bigint
        ) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
            autovacuum_vacuum_cost_delay = 0);
        CREATE INDEX refund_outbox_due ON refund_outbox (endpoint, next_attempt_at, position) WHERE state = 'pending';
        CREATE INDEX refund_outbox_turns ON refund_outbox (next_attempt_at, endpoint) WHERE state = 'pending';
        CREATE INDEX refund_outbox_refund ON refund_outbox (refund_id, position) WHERE refund_id IS NOT NULL;
        CREATE INDEX refund_outbox_state ON refund_outbox (state, position);
        CREATE INDEX refund_outbox_kept ON refund_outbox (position)
            WHERE pruned_at IS NULL AND refund_id IS NOT NULL AND state IN ('delivered', 'superseded');
        CREATE FUNCTION refund_outbox_insert() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        DECLARE
            problem text;
            known record;
        BEGIN
            SELECT o.id, o.url INTO known FROM refund_outbox o WHERE o.position = NEW.position;
            IF NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.position = NEW.position
                AND e.refund_id IS NOT DISTINCT FROM NEW.refund_id AND e.type = NEW.type) THEN
                problem := 'a webhook has the position, refund and type of its event';
            ELSIF known.id = NEW.id AND known.url = NEW.url THEN
                RETURN NULL;
            ELSIF known.id IS NOT NULL OR EXISTS (SELECT 1 FROM refund_outbox o WHERE o.id = NEW.id) THEN
                problem := 'a webhook is never replaced';
            END IF;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION 'refund_outbox: %', problem USING ERRCODE = 'check_violation', TABLE = 'refund_outbox';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_outbox_insert BEFORE INSERT ON refund_outbox
            FOR EACH ROW EXECUTE FUNCTION refund_outbox_insert();
        CREATE TRIGGER refund_outbox_identity BEFORE UPDATE OF position, id, refund_id, type, url, endpoint
            ON refund_outbox FOR EACH ROW
            WHEN ((OLD.position, OLD.id, OLD.refund_id, OLD.type, OLD.url, OLD.endpoint) IS DISTINCT FROM
                (NEW.position, NEW.id, NEW.refund_id, NEW.type, NEW.url, NEW.endpoint))
            EXECUTE FUNCTION refund_refuse('the event and the destination of a webhook never change');
        CREATE TRIGGER refund_outbox_delete BEFORE DELETE ON refund_outbox FOR EACH ROW
            EXECUTE FUNCTION refund_keep('a webhook is never deleted');
        CREATE TRIGGER refund_outbox_truncate BEFORE TRUNCATE ON refund_outbox
            EXECUTE FUNCTION refund_refuse('a webhook is never deleted');

        CREATE VIEW refund_webhooks AS
            SELECT o.id, o.refund_id, e.sequence, o.type, o.url, convert_to(e.body, 'UTF8') AS body, o.state,
            o.attempts, o.next_attempt_at, o.last_status, o.last_error, e.at AS created_at, o.delivered_at
            FROM refund_outbox o JOIN refund_event_log e ON e.position = o.position;
        CREATE TRIGGER refund_webhooks_write INSTEAD OF INSERT OR DELETE ON refund_webhooks FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('read-only, refundd writes it');
        CREATE TRIGGER refund_webhooks_update INSTEAD OF UPDATE ON refund_webhooks FOR EACH ROW
            EXECUTE FUNCTION refund_refuse(
                'read-only, refundd writes it; to send a webhook again run refundd redeliver');
        """#

    /// One row per attempt, numbered by the claim (`lease`) that made it.
    ///
    /// Recording the same attempt again is ignored.
    static let attempts = #"""
        CREATE SEQUENCE refund_outbox_attempt_ids;
        CREATE TABLE refund_outbox_attempts (
            id          bigint PRIMARY KEY,
            position    bigint NOT NULL,
            lease       bigint NOT NULL,
            at          bigint NOT NULL,
            status      integer,
            error       text COLLATE "C",
            duration_ms bigint,
            answer      bytea,
            UNIQUE (position, lease)
        ) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
        ALTER SEQUENCE refund_outbox_attempt_ids OWNED BY refund_outbox_attempts.id;
        CREATE FUNCTION refund_outbox_attempts_insert() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        DECLARE
            problem text;
            known record;
        BEGIN
            SELECT a.id, a.at, a.status INTO known FROM refund_outbox_attempts a
                WHERE a.position = NEW.position AND a.lease = NEW.lease;
            IF NEW.id IS NOT NULL THEN
                problem := 'append-only; leave id out';
            ELSIF known.id IS NOT NULL AND known.at = NEW.at AND known.status IS NOT DISTINCT FROM NEW.status THEN
                RETURN NULL;
            ELSIF known.id IS NOT NULL THEN
                problem := 'append-only; a row is never changed';
            END IF;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION 'refund_outbox_attempts: %', problem
                    USING ERRCODE = 'check_violation', TABLE = 'refund_outbox_attempts';
            END IF;
            NEW.id := nextval('refund_outbox_attempt_ids');
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_outbox_attempts_insert BEFORE INSERT ON refund_outbox_attempts
            FOR EACH ROW EXECUTE FUNCTION refund_outbox_attempts_insert();
        CREATE TRIGGER refund_outbox_attempts_update BEFORE UPDATE ON refund_outbox_attempts FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('append-only; a row is never changed');
        CREATE TRIGGER refund_outbox_attempts_delete BEFORE DELETE ON refund_outbox_attempts FOR EACH ROW
            EXECUTE FUNCTION refund_keep('append-only; a row is never deleted');
        CREATE TRIGGER refund_outbox_attempts_truncate BEFORE TRUNCATE ON refund_outbox_attempts
            EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');

        CREATE VIEW refund_webhook_attempts AS
            SELECT o.id AS webhook_id, a.at, a.status, a.error, a.duration_ms, a.answer
            FROM refund_outbox_attempts a JOIN refund_outbox o ON o.position = a.position;
        CREATE TRIGGER refund_webhook_attempts_write INSTEAD OF INSERT OR UPDATE OR DELETE ON refund_webhook_attempts
            FOR EACH ROW EXECUTE FUNCTION refund_refuse('read-only, refundd writes it');
        """#

    /// The numbers of refunds and webhooks in each state.
    ///
    /// A row per state that every insert updates would queue up all applications behind the longest transaction. So a
    /// statement only appends what it changed, and a daemon adds that to `refund_counts` now and then.
    static let counts = #"""
        CREATE TABLE refund_counts (
            counted text COLLATE "C" NOT NULL,
            state   text COLLATE "C" NOT NULL,
            number  bigint NOT NULL,
            PRIMARY KEY (counted, state)
        ) WITH (fillfactor = 50);
        INSERT INTO refund_counts (counted, state, number) VALUES
            ('refund_queue', 'pending', 0), ('refund_queue', 'processing', 0), ('refund_queue', 'settled', 0),
            ('refund_queue', 'failed', 0), ('refund_queue', 'abandoned', 0), ('refund_outbox', 'pending', 0),
            ('refund_outbox', 'delivered', 0), ('refund_outbox', 'dead', 0), ('refund_outbox', 'superseded', 0);
        CREATE TABLE refund_count_changes (
            number  bigint NOT NULL,
            counted text COLLATE "C" NOT NULL,
            state   text COLLATE "C"
        ) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_cost_delay = 0);
        CREATE FUNCTION refund_count() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path FROM CURRENT AS $$
        BEGIN
            IF TG_OP = 'INSERT' THEN
                INSERT INTO refund_count_changes
                    SELECT count(*), TG_TABLE_NAME, n.state FROM new_rows n GROUP BY n.state;
            ELSE
                INSERT INTO refund_count_changes VALUES (-1, TG_TABLE_NAME, OLD.state), (1, TG_TABLE_NAME, NEW.state);
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER refund_queue_counted AFTER INSERT ON refund_queue REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION refund_count();
        CREATE TRIGGER refund_queue_recounted AFTER UPDATE OF state ON refund_queue FOR EACH ROW
            WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refund_count();
        CREATE TRIGGER refund_outbox_counted AFTER INSERT ON refund_outbox REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION refund_count();
        CREATE TRIGGER refund_outbox_recounted AFTER UPDATE OF state ON refund_outbox FOR EACH ROW
            WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION refund_count();
        CREATE VIEW refund_counted AS
            SELECT counted, state, sum(number)::bigint AS number
            FROM (SELECT counted, state, number FROM refund_counts
                UNION ALL SELECT counted, state, number FROM refund_count_changes) c
            GROUP BY counted, state;
        """#

    /// Wakes daemons that sleep.
    ///
    /// `NOTIFY` takes a lock of the whole cluster until the end of the commit. So it is sent only while a daemon
    /// sleeps, and the question is put at the commit: no insert is missed whose transaction stays open for a while.
    static let wake = #"""
        CREATE FUNCTION refund_wake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path FROM CURRENT AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM refund_daemons d
                WHERE d.wakes_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 20) THEN
                PERFORM pg_notify('refund_queue', TG_TABLE_SCHEMA);
            END IF;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER refund_queue_wake AFTER INSERT ON refund_queue DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refund_wake();
        CREATE CONSTRAINT TRIGGER refund_hints_wake AFTER INSERT ON refund_hints DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refund_wake();
        """#
}
