/// The first schema, continued: what refundd writes. This text is frozen.
extension Schema0001 {
    /// The ledger: one row per change of a refund's state or attention.
    ///
    /// `verdict` is the verdict of the signed answer in `response`. `enqueued_at` and `number` identify the row's
    /// refund. The guard locks the refund, so that of two writers the second sees what the first made of it.
    static let ledger = #"""
        CREATE SEQUENCE refund_transition_ids;
        CREATE TABLE refund_transitions (
            id           bigint PRIMARY KEY,
            refund_id    bigint NOT NULL REFERENCES refund_queue (id),
            sequence     bigint NOT NULL,
            at           bigint NOT NULL,
            from_state   text COLLATE "C" NOT NULL,
            to_state     text COLLATE "C" NOT NULL,
            attention    text COLLATE "C",
            reason       text COLLATE "C",
            trans_status bigint,
            code         text COLLATE "C",
            psn          text COLLATE "C",
            response     bytea,
            actor        text COLLATE "C" NOT NULL,
            verdict      text COLLATE "C",
            enqueued_at  bigint,
            number       text COLLATE "C",
            UNIQUE (refund_id, sequence)
        ) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
        ALTER SEQUENCE refund_transition_ids OWNED BY refund_transitions.id;
        CREATE FUNCTION refund_transitions_insert() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        DECLARE
            refund record;
            problem text;
            is_verdict boolean := NEW.to_state IN ('settled', 'failed', 'abandoned')
                AND NEW.to_state IS DISTINCT FROM NEW.from_state;
        BEGIN
            SELECT q.state, q.attention, q.created_at, coalesce(q.merchant_order_no, q.trans_no, '') AS number
                INTO refund FROM refund_queue q WHERE q.id = NEW.refund_id FOR NO KEY UPDATE;
            IF NEW.id IS NOT NULL THEN
                problem := 'append-only; leave id out';
            ELSIF NEW.sequence IS DISTINCT FROM (SELECT coalesce(max(t.sequence), 0) + 1 FROM refund_transitions t
                WHERE t.refund_id = NEW.refund_id) THEN
                problem := 'append-only; the next row of a refund has the next sequence';
            ELSIF refund.state IS NULL OR refund.state IS DISTINCT FROM NEW.from_state THEN
                problem := 'from_state is not the state of the refund';
            ELSIF refund.created_at IS DISTINCT FROM NEW.enqueued_at OR refund.number IS DISTINCT FROM NEW.number THEN
                problem := 'enqueued_at and number are those of another refund; this row id was used again';
            ELSIF NEW.verdict NOT IN ('processing', 'settled', 'failed') THEN
                problem := 'unknown verdict';
            ELSIF NEW.from_state IN ('settled', 'failed', 'abandoned')
                AND NEW.to_state IS DISTINCT FROM NEW.from_state THEN
                problem := 'a final state is never left';
            ELSIF NEW.actor = 'refundd' AND is_verdict
                AND (NEW.response IS NULL OR NEW.verdict IS DISTINCT FROM NEW.to_state) THEN
                problem := 'a verdict of refundd carries the signed answer that says so';
            ELSIF NEW.actor IS DISTINCT FROM 'refundd' AND is_verdict
                AND (coalesce(btrim(NEW.actor), '') = '' OR coalesce(btrim(NEW.reason), '') = '') THEN
                problem := 'a verdict of an operator names the operator and the reason';
            ELSIF NEW.actor IS DISTINCT FROM 'refundd' AND is_verdict AND NEW.to_state <> 'abandoned'
                AND refund.attention IS NULL THEN
                problem := 'an operator settles or fails only a refund that needs attention';
            END IF;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION 'refund_transitions: %', problem
                    USING ERRCODE = 'check_violation', TABLE = 'refund_transitions';
            END IF;
            NEW.id := nextval('refund_transition_ids');
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_transitions_insert BEFORE INSERT ON refund_transitions
            FOR EACH ROW EXECUTE FUNCTION refund_transitions_insert();
        CREATE TRIGGER refund_transitions_update BEFORE UPDATE ON refund_transitions FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('append-only; a row is never changed');
        CREATE TRIGGER refund_transitions_delete BEFORE DELETE ON refund_transitions FOR EACH ROW
            EXECUTE FUNCTION refund_keep('append-only; a row is never deleted');
        CREATE TRIGGER refund_transitions_truncate BEFORE TRUNCATE ON refund_transitions
            EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');
        """#

    /// Every event, whether or not a webhook is sent for it.
    ///
    /// Positions come from one row, `refund_event_position`, which stays locked until the commit. So they become
    /// visible in rising order, on standbys too, and leave no gaps; a sequence would let a reader pass over events of a
    /// slower transaction. `timeline` and `system` name the server that gave the last position: another one continues
    /// beyond a gap. Logging the same event again is ignored, so that a write can be repeated after a commit of unknown
    /// outcome.
    static let events = #"""
        CREATE TABLE refund_event_position (
            one      boolean PRIMARY KEY DEFAULT true CHECK (one),
            position bigint NOT NULL,
            timeline integer NOT NULL,
            system   bigint NOT NULL
        ) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_cost_delay = 0);
        INSERT INTO refund_event_position
            SELECT true, 0, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer,
            system_identifier FROM pg_control_system();
        CREATE TABLE refund_event_gaps (
            after    bigint PRIMARY KEY,
            before   bigint NOT NULL,
            at       bigint NOT NULL,
            timeline integer NOT NULL,
            system   bigint NOT NULL
        );
        CREATE FUNCTION refund_event_position_forward() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND NEW.position >= OLD.position AND NEW.one THEN RETURN NEW; END IF;
            RAISE EXCEPTION 'refund_event_position: positions only ever rise'
                USING ERRCODE = 'check_violation', TABLE = 'refund_event_position';
        END $$;
        CREATE TRIGGER refund_event_position_forward BEFORE UPDATE OR DELETE ON refund_event_position
            FOR EACH ROW EXECUTE FUNCTION refund_event_position_forward();
        CREATE TRIGGER refund_event_position_truncate BEFORE TRUNCATE ON refund_event_position
            EXECUTE FUNCTION refund_refuse('positions only ever rise');

        CREATE TABLE refund_event_log (
            position  bigint PRIMARY KEY,
            at        bigint NOT NULL,
            type      text COLLATE "C" NOT NULL,
            refund_id bigint,
            sequence  bigint,
            gateway   text COLLATE "C",
            state     text COLLATE "C",
            body      text COLLATE "C" NOT NULL
        ) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
        CREATE UNIQUE INDEX refund_event_log_refund ON refund_event_log (refund_id, sequence, type)
            WHERE refund_id IS NOT NULL;
        CREATE UNIQUE INDEX refund_event_log_gateway ON refund_event_log (gateway, type, at)
            WHERE gateway IS NOT NULL;
        CREATE FUNCTION refund_event_log_insert() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        DECLARE
            problem text;
            known text;
        BEGIN
            IF NEW.position IS NOT NULL THEN
                problem := 'append-only; leave position out';
            ELSIF (NEW.refund_id IS NULL) = (NEW.gateway IS NULL)
                OR (NEW.refund_id IS NULL) <> (NEW.sequence IS NULL) THEN
                problem := 'an event names a refund with its sequence, or a gateway';
            ELSE
                SELECT e.body INTO known FROM refund_event_log e
                    WHERE e.refund_id = NEW.refund_id AND e.sequence = NEW.sequence AND e.type = NEW.type
                    UNION ALL SELECT e.body FROM refund_event_log e
                    WHERE e.gateway = NEW.gateway AND e.type = NEW.type AND e.at = NEW.at;
                IF known = NEW.body THEN RETURN NULL; END IF;
                IF known IS NOT NULL THEN problem := 'append-only; an event is never changed'; END IF;
            END IF;
            IF problem IS NOT NULL THEN
                RAISE EXCEPTION 'refund_event_log: %', problem
                    USING ERRCODE = 'check_violation', TABLE = 'refund_event_log';
            END IF;
            UPDATE refund_event_position p SET position = p.position + 1 RETURNING p.position INTO NEW.position;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_event_log_insert BEFORE INSERT ON refund_event_log
            FOR EACH ROW EXECUTE FUNCTION refund_event_log_insert();
        CREATE FUNCTION refund_event_log_update() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        BEGIN
            IF ROW(OLD.position, OLD.at, OLD.type, OLD.refund_id, OLD.sequence, OLD.gateway, OLD.state, '')
                IS DISTINCT FROM ROW(NEW.position, NEW.at, NEW.type, NEW.refund_id, NEW.sequence, NEW.gateway,
                NEW.state, NEW.body)
                OR NOT EXISTS (SELECT 1 FROM refund_outbox o
                WHERE o.position = OLD.position AND o.pruned_at IS NOT NULL) THEN
                RAISE EXCEPTION 'refund_event_log: append-only; an event is never changed'
                    USING ERRCODE = 'check_violation', TABLE = 'refund_event_log';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_event_log_update BEFORE UPDATE ON refund_event_log
            FOR EACH ROW EXECUTE FUNCTION refund_event_log_update();
        CREATE TRIGGER refund_event_log_delete BEFORE DELETE ON refund_event_log FOR EACH ROW
            EXECUTE FUNCTION refund_keep('append-only; an event is never deleted');
        CREATE TRIGGER refund_event_log_truncate BEFORE TRUNCATE ON refund_event_log
            EXECUTE FUNCTION refund_refuse('append-only; an event is never deleted');

        CREATE VIEW refund_events AS
            SELECT e.position, e.at, e.type, e.refund_id, q.merchant_order_no, e.state, e.body
            FROM refund_event_log e LEFT JOIN refund_queue q ON q.id = e.refund_id ORDER BY e.position;
        CREATE TRIGGER refund_events_write INSTEAD OF INSERT OR UPDATE OR DELETE ON refund_events FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('read-only, refundd writes it');
        """#

    /// Health of gateways and endpoints, the daemons, and operators' actions that have no row in the ledger.
    ///
    /// `refund_incidents` has a row per gateway, or per merchant of a gateway, that needs an operator.
    /// `refund_breakers` has the open circuit breakers. `refund_pauses` has every pause of a gateway or an endpoint,
    /// which lasts until `resumed_at` is set. A daemon with a heartbeat writes `refund_heartbeat` to prove that commits
    /// work.
    static let operations = #"""
        CREATE TABLE refund_gateways (
            name             text COLLATE "C" PRIMARY KEY,
            last_verified_at bigint,
            last_error       text COLLATE "C",
            last_error_at    bigint
        ) WITH (fillfactor = 50);
        CREATE TABLE refund_incidents (
            gateway     text COLLATE "C" NOT NULL,
            merchant_no text COLLATE "C" NOT NULL DEFAULT '',
            attention   text COLLATE "C" NOT NULL,
            code        text COLLATE "C" NOT NULL,
            message     text COLLATE "C" NOT NULL,
            verified    integer NOT NULL,
            since       bigint NOT NULL,
            PRIMARY KEY (gateway, merchant_no)
        );
        CREATE TABLE refund_endpoints (
            url           text COLLATE "C" PRIMARY KEY,
            failing_since bigint NOT NULL,
            failed_at     bigint NOT NULL,
            disabled_at   bigint,
            reason        text COLLATE "C"
        );
        CREATE TABLE refund_breakers (
            kind          text COLLATE "C" NOT NULL,
            name          text COLLATE "C" NOT NULL,
            since         bigint NOT NULL,
            reason        text COLLATE "C" NOT NULL,
            next_probe_at bigint,
            PRIMARY KEY (kind, name)
        ) WITH (fillfactor = 50);
        CREATE TABLE refund_pauses (
            id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind       text COLLATE "C" NOT NULL,
            name       text COLLATE "C" NOT NULL,
            at         bigint NOT NULL,
            actor      text COLLATE "C" NOT NULL,
            reason     text COLLATE "C",
            resumed_at bigint,
            resumed_by text COLLATE "C"
        );
        CREATE UNIQUE INDEX refund_pauses_current ON refund_pauses (kind, name) WHERE resumed_at IS NULL;
        CREATE TRIGGER refund_pauses_delete BEFORE DELETE ON refund_pauses FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('a pause is never deleted; run refundd resume to end it');
        CREATE TRIGGER refund_pauses_truncate BEFORE TRUNCATE ON refund_pauses
            EXECUTE FUNCTION refund_refuse('a pause is never deleted; run refundd resume to end it');

        CREATE TABLE refund_heartbeat (
            id bigint PRIMARY KEY,
            at bigint NOT NULL
        ) WITH (fillfactor = 20);

        CREATE TABLE refund_daemons (
            id       integer PRIMARY KEY CHECK (id > 0),
            host     text COLLATE "C" NOT NULL,
            pid      integer NOT NULL,
            version  text COLLATE "C" NOT NULL,
            started  bigint NOT NULL,
            reloaded bigint,
            seen     bigint NOT NULL,
            wakes_at bigint NOT NULL DEFAULT 0,
            locks    boolean NOT NULL DEFAULT true
        ) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 200, autovacuum_vacuum_scale_factor = 0,
            autovacuum_vacuum_cost_delay = 0);

        CREATE SEQUENCE refund_action_ids;
        CREATE TABLE refund_actions (
            id         bigint PRIMARY KEY,
            at         bigint NOT NULL,
            actor      text COLLATE "C" NOT NULL,
            action     text COLLATE "C" NOT NULL,
            refund_id  bigint,
            webhook_id text COLLATE "C"
        );
        ALTER SEQUENCE refund_action_ids OWNED BY refund_actions.id;
        CREATE INDEX refund_actions_refund ON refund_actions (refund_id) WHERE refund_id IS NOT NULL;
        CREATE FUNCTION refund_actions_insert() RETURNS trigger LANGUAGE plpgsql
        SET search_path FROM CURRENT AS $$
        BEGIN
            IF NEW.id IS NOT NULL THEN
                RAISE EXCEPTION 'refund_actions: append-only; leave id out'
                    USING ERRCODE = 'check_violation', TABLE = 'refund_actions';
            END IF;
            NEW.id := nextval('refund_action_ids');
            RETURN NEW;
        END $$;
        CREATE TRIGGER refund_actions_insert BEFORE INSERT ON refund_actions
            FOR EACH ROW EXECUTE FUNCTION refund_actions_insert();
        CREATE TRIGGER refund_actions_update BEFORE UPDATE ON refund_actions FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('append-only; a row is never changed');
        CREATE TRIGGER refund_actions_delete BEFORE DELETE ON refund_actions FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');
        CREATE TRIGGER refund_actions_truncate BEFORE TRUNCATE ON refund_actions
            EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');

        CREATE TRIGGER refund_migrations_change BEFORE UPDATE OR DELETE ON refund_migrations FOR EACH ROW
            EXECUTE FUNCTION refund_refuse('refundd alone writes it');
        CREATE TRIGGER refund_migrations_truncate BEFORE TRUNCATE ON refund_migrations
            EXECUTE FUNCTION refund_refuse('refundd alone writes it');
        """#
}
