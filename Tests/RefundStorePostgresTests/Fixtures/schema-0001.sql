CREATE FUNCTION refund_now() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT (extract(epoch FROM statement_timestamp()) * 1000)::bigint $$;
CREATE FUNCTION refund_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
END $$;
CREATE FUNCTION refund_keep() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    is_pruned boolean;
BEGIN
    IF TG_TABLE_NAME = 'refund_queue' THEN
        is_pruned := EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.refund_id = OLD.id);
    ELSIF TG_TABLE_NAME = 'refund_outbox_attempts' THEN
        is_pruned := EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = OLD.position
            AND (o.pruned_at IS NOT NULL
            OR EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.refund_id = o.refund_id)));
    ELSE
        is_pruned := EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.refund_id = OLD.refund_id);
    END IF;
    IF NOT is_pruned THEN
        RAISE EXCEPTION '%: %', TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN OLD;
END $$;
CREATE FUNCTION refund_require(changed bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF changed < expected THEN
        RAISE EXCEPTION 'the write was ignored by a trigger or a rule' USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE SEQUENCE refund_queue_ids;
CREATE TABLE refund_queue (
    id                   bigint PRIMARY KEY,
    merchant_order_no    text COLLATE "C",
    trans_no             text COLLATE "C",
    merchant_no          text COLLATE "C",
    gateway              text COLLATE "C" DEFAULT 'default',
    expected_amount      text COLLATE "C",
    expected_currency    text COLLATE "C",
    state                text COLLATE "C" DEFAULT 'pending',
    attention            text COLLATE "C",
    trans_status         bigint,
    trans_amount         text COLLATE "C",
    trans_currency       text COLLATE "C",
    trans_end_at         bigint,
    failure_code         text COLLATE "C",
    failure_message      text COLLATE "C",
    attempts             bigint DEFAULT 0,
    last_query_at        bigint,
    last_query_verified  integer DEFAULT 0,
    last_error           text COLLATE "C",
    created_at           bigint DEFAULT (extract(epoch FROM statement_timestamp()) * 1000)::bigint,
    updated_at           bigint DEFAULT (extract(epoch FROM statement_timestamp()) * 1000)::bigint,
    next_query_at        bigint DEFAULT 0,
    lease                bigint DEFAULT 0,
    claimed_by           integer,
    leased_until         bigint,
    attention_told       bigint DEFAULT 0,
    unknown_order        integer DEFAULT 0,
    gateway_trans_no     text COLLATE "C",
    orig_trans_no        text COLLATE "C",
    pay_channel_trans_no text COLLATE "C",
    callback_url         text COLLATE "C",
    metadata             text COLLATE "C"
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);
ALTER SEQUENCE refund_queue_ids OWNED BY refund_queue.id;

CREATE UNIQUE INDEX refund_queue_order ON refund_queue (gateway, (coalesce(merchant_no, '')), merchant_order_no)
    WHERE merchant_order_no IS NOT NULL AND state <> 'abandoned';
CREATE UNIQUE INDEX refund_queue_trans ON refund_queue (gateway, (coalesce(merchant_no, '')), trans_no)
    WHERE trans_no IS NOT NULL AND state <> 'abandoned';
CREATE INDEX refund_queue_by_order ON refund_queue (merchant_order_no) WHERE merchant_order_no IS NOT NULL;
CREATE INDEX refund_queue_by_trans ON refund_queue (trans_no) WHERE trans_no IS NOT NULL;
CREATE INDEX refund_queue_due ON refund_queue (gateway, next_query_at, id)
    WHERE state IN ('pending', 'processing');
CREATE INDEX refund_queue_turns ON refund_queue (gateway, (coalesce(merchant_no, '')), next_query_at, id)
    WHERE state IN ('pending', 'processing');
CREATE INDEX refund_queue_ageing ON refund_queue (created_at, id)
    WHERE state IN ('pending', 'processing') AND coalesce(attention, 'undeliverable') = 'undeliverable';
CREATE INDEX refund_queue_delays ON refund_queue (created_at, id)
    WHERE state IN ('pending', 'processing') AND coalesce(attention_told, 0) & 256 = 0;
CREATE INDEX refund_queue_attention ON refund_queue (attention, id) WHERE attention IS NOT NULL;
CREATE INDEX refund_queue_state ON refund_queue (state, created_at, id);

CREATE FUNCTION refund_queue_metadata(metadata text) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path FROM CURRENT AS $$
DECLARE
    whole json;
    problem text := 'metadata must be the text of a JSON object of at most 16384 bytes';
BEGIN
    IF octet_length(metadata) > 16384 OR json_typeof(metadata::json) <> 'object' THEN RETURN problem; END IF;
    problem := 'metadata must not contain an unpaired surrogate, such as \ud83d alone';
    whole := replace(replace(metadata, '\\', '\u005c'), '\u0000', '\uf8f0')::json;
    WITH RECURSIVE nodes (level, node) AS (
        SELECT 1, whole
        UNION ALL
        SELECT level + 1, inner_node FROM nodes CROSS JOIN LATERAL (
            SELECT value FROM json_each(CASE json_typeof(node) WHEN 'object' THEN node ELSE '{}' END)
            UNION ALL
            SELECT value FROM json_array_elements(CASE json_typeof(node) WHEN 'array' THEN node ELSE '[]' END)
        ) inside (inner_node)
        WHERE level < 65 AND json_typeof(inner_node) IN ('object', 'array')
    )
    SELECT CASE
        WHEN EXISTS (SELECT 1 FROM nodes CROSS JOIN LATERAL (SELECT 1
            FROM json_each(CASE json_typeof(node) WHEN 'object' THEN node ELSE '{}' END)
            GROUP BY key HAVING count(*) > 1) twice)
        THEN 'metadata must not repeat a member within an object'
        WHEN EXISTS (SELECT 1 FROM nodes WHERE level > 64)
        THEN 'metadata must not be nested deeper than 64 levels' END
    INTO problem;
    RETURN problem;
EXCEPTION
    WHEN data_exception THEN RETURN problem;
    WHEN program_limit_exceeded THEN RETURN 'metadata must not be nested deeper than 64 levels';
END $$;

CREATE FUNCTION refund_queue_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    problem text;
    wrong text;
BEGIN
    IF NEW.metadata IS NOT NULL THEN
        problem := refund_queue_metadata(NEW.metadata);
        wrong := 'metadata';
    END IF;
    IF problem IS NOT NULL OR NEW.id IS NOT NULL OR NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL
        OR NEW.merchant_order_no !~ '^[-A-Za-z0-9_|*@]{1,32}$' OR NEW.trans_no !~ '^[-A-Za-z0-9_|*@]{1,64}$'
        OR NEW.merchant_no !~ '^[!-~]{1,32}$' OR NEW.gateway IS NULL OR NEW.gateway !~ '^[ -~]{1,64}$'
        OR (NEW.expected_amount IS NULL) <> (NEW.expected_currency IS NULL)
        OR NEW.expected_amount !~ '^(?=.{1,32}$)[0-9]+(\.[0-9]+)?$' OR NEW.expected_currency !~ '^[A-Z]{3}$'
        OR NEW.callback_url IS NOT NULL AND (octet_length(NEW.callback_url) > 2048
            OR NEW.callback_url !~ '^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$')
        OR ROW(NEW.state, NEW.attempts, NEW.last_query_verified, NEW.next_query_at, NEW.lease,
            NEW.attention_told, NEW.unknown_order) IS DISTINCT FROM
            ROW('pending'::text, 0::bigint, 0, 0::bigint, 0::bigint, 0::bigint, 0)
        OR num_nonnulls(NEW.attention, NEW.trans_status, NEW.trans_amount, NEW.trans_currency,
            NEW.trans_end_at, NEW.failure_code, NEW.failure_message, NEW.last_query_at, NEW.last_error,
            NEW.claimed_by, NEW.leased_until, NEW.gateway_trans_no, NEW.orig_trans_no,
            NEW.pay_channel_trans_no) > 0
        OR NEW.created_at IS DISTINCT FROM refund_now() OR NEW.updated_at IS DISTINCT FROM refund_now()
    THEN
        SELECT p, w INTO problem, wrong FROM (VALUES
            (1, NEW.id IS NOT NULL, 'leave id out, PostgreSQL assigns it', 'id'),
            (2, NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL, 'give merchant_order_no or trans_no',
                'merchant_order_no'),
            (3, NEW.merchant_order_no !~ '^[-A-Za-z0-9_|*@]{1,32}$',
                'merchant_order_no must be text of 1 to 32 characters from A-Z a-z 0-9 _ - | * @',
                'merchant_order_no'),
            (4, NEW.trans_no !~ '^[-A-Za-z0-9_|*@]{1,64}$',
                'trans_no must be text of 1 to 64 characters from A-Z a-z 0-9 _ - | * @', 'trans_no'),
            (5, NEW.merchant_no !~ '^[!-~]{1,32}$',
                'merchant_no must be null or text of 1 to 32 printable ASCII characters', 'merchant_no'),
            (6, NEW.gateway IS NULL OR NEW.gateway !~ '^[ -~]{1,64}$',
                'gateway must be text of 1 to 64 printable ASCII characters; leave it out for ''default''',
                'gateway'),
            (7, (NEW.expected_amount IS NULL) <> (NEW.expected_currency IS NULL),
                'give expected_amount and expected_currency together, or neither', 'expected_currency'),
            (8, NEW.expected_amount !~ '^(?=.{1,32}$)[0-9]+(\.[0-9]+)?$',
                'expected_amount must be decimal text in major units, such as ''1200'' or ''12.50''',
                'expected_amount'),
            (9, NEW.expected_currency !~ '^[A-Z]{3}$',
                'expected_currency must be three capital letters, such as ''JPY''', 'expected_currency'),
            (10, octet_length(NEW.callback_url) > 2048
                OR NEW.callback_url !~ '^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$',
                'callback_url must start with https:// or http:// '
                'and be at most 2048 ASCII characters without blanks', 'callback_url'),
            (11, problem IS NOT NULL, problem, wrong),
            (12, NEW.state IS DISTINCT FROM 'pending', NULL, 'state'),
            (13, NEW.attention IS NOT NULL, NULL, 'attention'),
            (14, NEW.trans_status IS NOT NULL, NULL, 'trans_status'),
            (15, NEW.trans_amount IS NOT NULL, NULL, 'trans_amount'),
            (16, NEW.trans_currency IS NOT NULL, NULL, 'trans_currency'),
            (17, NEW.trans_end_at IS NOT NULL, NULL, 'trans_end_at'),
            (18, NEW.failure_code IS NOT NULL, NULL, 'failure_code'),
            (19, NEW.failure_message IS NOT NULL, NULL, 'failure_message'),
            (20, NEW.attempts IS DISTINCT FROM 0, NULL, 'attempts'),
            (21, NEW.last_query_at IS NOT NULL, NULL, 'last_query_at'),
            (22, NEW.last_query_verified IS DISTINCT FROM 0, NULL, 'last_query_verified'),
            (23, NEW.last_error IS NOT NULL, NULL, 'last_error'),
            (24, NEW.created_at IS DISTINCT FROM refund_now(), NULL, 'created_at'),
            (25, NEW.updated_at IS DISTINCT FROM refund_now(), NULL, 'updated_at'),
            (26, NEW.next_query_at IS DISTINCT FROM 0, NULL, 'next_query_at'),
            (27, NEW.lease IS DISTINCT FROM 0, NULL, 'lease'),
            (28, NEW.claimed_by IS NOT NULL, NULL, 'claimed_by'),
            (29, NEW.leased_until IS NOT NULL, NULL, 'leased_until'),
            (30, NEW.attention_told IS DISTINCT FROM 0, NULL, 'attention_told'),
            (31, NEW.unknown_order IS DISTINCT FROM 0, NULL, 'unknown_order'),
            (32, NEW.gateway_trans_no IS NOT NULL, NULL, 'gateway_trans_no'),
            (33, NEW.orig_trans_no IS NOT NULL, NULL, 'orig_trans_no'),
            (34, NEW.pay_channel_trans_no IS NOT NULL, NULL, 'pay_channel_trans_no')
        ) refusals (n, is_refused, p, w) WHERE is_refused ORDER BY n LIMIT 1;
        RAISE EXCEPTION 'refund_queue: %', coalesce(problem, 'leave ' || wrong || ' out, refundd writes it')
            USING ERRCODE = 'check_violation', TABLE = 'refund_queue', COLUMN = wrong;
    END IF;
    IF EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.merchant_order_no = NEW.merchant_order_no
        AND p.gateway = NEW.gateway AND coalesce(p.merchant_no, '') = coalesce(NEW.merchant_no, '')
        AND p.state <> 'abandoned')
        OR EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.trans_no = NEW.trans_no
        AND p.gateway = NEW.gateway AND coalesce(p.merchant_no, '') = coalesce(NEW.merchant_no, '')
        AND p.state <> 'abandoned') THEN
        RAISE EXCEPTION 'refund_queue: this refund was finished and pruned long ago; '
            'its numbers are in refund_pruned_refunds, and are not used again'
            USING ERRCODE = 'check_violation', TABLE = 'refund_queue';
    END IF;
    NEW.id := nextval('refund_queue_ids');
    RETURN NEW;
END $$;
CREATE TRIGGER refund_queue_insert BEFORE INSERT ON refund_queue
    FOR EACH ROW EXECUTE FUNCTION refund_queue_insert();
CREATE TRIGGER refund_queue_delete BEFORE DELETE ON refund_queue FOR EACH ROW
    EXECUTE FUNCTION refund_keep('a refund is never deleted; run refundd abandon to stop polling');
CREATE TRIGGER refund_queue_truncate BEFORE TRUNCATE ON refund_queue
    EXECUTE FUNCTION refund_refuse('a refund is never deleted; run refundd abandon to stop polling');
CREATE TRIGGER refund_queue_identity
    BEFORE UPDATE OF id, merchant_order_no, trans_no, merchant_no, gateway, expected_amount, expected_currency,
    created_at ON refund_queue FOR EACH ROW
    WHEN ((OLD.id, OLD.merchant_order_no, OLD.trans_no, OLD.merchant_no, OLD.gateway, OLD.expected_amount,
        OLD.expected_currency, OLD.created_at) IS DISTINCT FROM
        (NEW.id, NEW.merchant_order_no, NEW.trans_no, NEW.merchant_no, NEW.gateway, NEW.expected_amount,
        NEW.expected_currency, NEW.created_at))
    EXECUTE FUNCTION refund_refuse('the identity and the expected amount of a refund never change');

CREATE FUNCTION refund_queue_state() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    problem text;
BEGIN
    IF OLD.state IN ('settled', 'failed', 'abandoned') AND OLD.state IS DISTINCT FROM NEW.state THEN
        problem := 'a final state never changes';
    ELSIF NEW.state IS NULL OR NEW.state NOT IN ('pending', 'processing', 'settled', 'failed', 'abandoned') THEN
        problem := 'unknown state';
    ELSIF NOT EXISTS (SELECT 1 FROM (SELECT from_state, to_state, attention FROM refund_transitions
        WHERE refund_id = OLD.id ORDER BY sequence DESC LIMIT 1) t
        WHERE t.from_state = OLD.state AND t.to_state = NEW.state
        AND t.attention IS NOT DISTINCT FROM NEW.attention) THEN
        problem := 'state and attention change only together with their row in refund_transitions, '
            'which refundd writes';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'refund_queue: %', problem
            USING ERRCODE = 'check_violation', TABLE = 'refund_queue', COLUMN = 'state';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_queue_state BEFORE UPDATE OF state, attention ON refund_queue FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.attention IS DISTINCT FROM NEW.attention)
    EXECUTE FUNCTION refund_queue_state();

CREATE SEQUENCE refund_hint_ids;
CREATE TABLE refund_hints (
    id                bigint PRIMARY KEY,
    merchant_order_no text COLLATE "C",
    trans_no          text COLLATE "C",
    merchant_no       text COLLATE "C",
    gateway           text COLLATE "C",
    created_at        bigint DEFAULT (extract(epoch FROM statement_timestamp()) * 1000)::bigint
);
ALTER SEQUENCE refund_hint_ids OWNED BY refund_hints.id;
CREATE FUNCTION refund_hints_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    problem text;
BEGIN
    IF NEW.id IS NOT NULL THEN
        problem := 'leave id out, PostgreSQL assigns it';
    ELSIF NEW.created_at IS DISTINCT FROM refund_now() THEN
        problem := 'leave created_at out, PostgreSQL sets it';
    ELSIF NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL THEN
        problem := 'give merchant_order_no or trans_no';
    ELSIF NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.merchant_order_no = NEW.merchant_order_no
        AND (q.trans_no IS NULL OR NEW.trans_no IS NULL OR q.trans_no = NEW.trans_no)
        AND (NEW.gateway IS NULL OR q.gateway = NEW.gateway)
        AND (NEW.merchant_no IS NULL OR q.merchant_no = NEW.merchant_no))
        AND NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.trans_no = NEW.trans_no
        AND (q.merchant_order_no IS NULL OR NEW.merchant_order_no IS NULL
        OR q.merchant_order_no = NEW.merchant_order_no)
        AND (NEW.gateway IS NULL OR q.gateway = NEW.gateway)
        AND (NEW.merchant_no IS NULL OR q.merchant_no = NEW.merchant_no)) THEN
        problem := 'refund_queue has no such refund';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'refund_hints: %', problem USING ERRCODE = 'check_violation', TABLE = 'refund_hints';
    END IF;
    NEW.id := nextval('refund_hint_ids');
    RETURN NEW;
END $$;
CREATE TRIGGER refund_hints_insert BEFORE INSERT ON refund_hints
    FOR EACH ROW EXECUTE FUNCTION refund_hints_insert();
CREATE TRIGGER refund_hints_update BEFORE UPDATE ON refund_hints FOR EACH ROW
    EXECUTE FUNCTION refund_refuse('insert another hint instead of changing one');

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

CREATE SEQUENCE refund_pruned_ids;
CREATE TABLE refund_pruned (
    id          bigint PRIMARY KEY,
    at          bigint NOT NULL,
    what        text COLLATE "C" NOT NULL,
    until       bigint NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    refunds     bigint NOT NULL,
    transitions bigint NOT NULL,
    events      bigint NOT NULL,
    webhooks    bigint NOT NULL,
    bodies      bigint NOT NULL,
    attempts    bigint NOT NULL
);
ALTER SEQUENCE refund_pruned_ids OWNED BY refund_pruned.id;
CREATE FUNCTION refund_pruned_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    problem text;
BEGIN
    IF NEW.id IS NOT NULL THEN
        problem := 'append-only; leave id out';
    ELSIF NEW.what IS NULL OR NEW.what NOT IN ('webhooks', 'ledger') OR NEW.at IS NULL OR NEW.until IS NULL
        OR NEW.until > NEW.at - 604800000 OR coalesce(btrim(NEW.actor), '') = '' THEN
        problem := 'retention prunes webhooks or ledger, of at least 7 days ago';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'refund_pruned: %', problem USING ERRCODE = 'check_violation', TABLE = 'refund_pruned';
    END IF;
    NEW.id := nextval('refund_pruned_ids');
    RETURN NEW;
END $$;
CREATE TRIGGER refund_pruned_insert BEFORE INSERT ON refund_pruned
    FOR EACH ROW EXECUTE FUNCTION refund_pruned_insert();
CREATE TRIGGER refund_pruned_update BEFORE UPDATE ON refund_pruned FOR EACH ROW
    EXECUTE FUNCTION refund_refuse('append-only; a row is never changed');
CREATE TRIGGER refund_pruned_delete BEFORE DELETE ON refund_pruned FOR EACH ROW
    EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');
CREATE TRIGGER refund_pruned_truncate BEFORE TRUNCATE ON refund_pruned
    EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');

CREATE TRIGGER refund_outbox_unpruned BEFORE INSERT ON refund_outbox FOR EACH ROW
    WHEN (NEW.pruned_at IS NOT NULL) EXECUTE FUNCTION refund_refuse('leave pruned_at out');
CREATE FUNCTION refund_outbox_pruning() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.pruned_at IS NOT NULL OR NEW.pruned_at IS NULL OR NEW.leased_until IS NOT NULL
        OR OLD.state IS DISTINCT FROM NEW.state OR OLD.delivered_at IS DISTINCT FROM NEW.delivered_at
        OR NOT EXISTS (SELECT 1 FROM refund_pruned p JOIN refund_event_log e ON e.position = NEW.position
        JOIN refund_queue q ON q.id = NEW.refund_id
        WHERE p.id = (SELECT max(id) FROM refund_pruned) AND p.what = 'webhooks' AND p.at = NEW.pruned_at
        AND e.at <= p.until AND q.state IN ('settled', 'failed', 'abandoned')
        AND (NEW.state = 'superseded' OR NEW.state = 'delivered' AND NEW.delivered_at <= p.until)) THEN
        RAISE EXCEPTION 'refund_outbox: retention alone prunes, '
            'and only old webhooks of final refunds, neither pending nor dead'
            USING ERRCODE = 'check_violation', TABLE = 'refund_outbox', COLUMN = 'pruned_at';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_outbox_pruning BEFORE UPDATE OF pruned_at ON refund_outbox FOR EACH ROW
    WHEN (OLD.pruned_at IS DISTINCT FROM NEW.pruned_at) EXECUTE FUNCTION refund_outbox_pruning();
CREATE TRIGGER refund_outbox_pruned BEFORE UPDATE OF state ON refund_outbox FOR EACH ROW
    WHEN (OLD.pruned_at IS NOT NULL AND OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION refund_refuse('the body of this webhook was pruned; it is never sent again');

CREATE TABLE refund_pruned_refunds (
    refund_id         bigint PRIMARY KEY,
    pruning           bigint NOT NULL,
    gateway           text COLLATE "C" NOT NULL,
    merchant_no       text COLLATE "C",
    merchant_order_no text COLLATE "C",
    trans_no          text COLLATE "C",
    state             text COLLATE "C" NOT NULL,
    created_at        bigint NOT NULL
);
CREATE INDEX refund_pruned_refunds_order ON refund_pruned_refunds (merchant_order_no)
    WHERE merchant_order_no IS NOT NULL;
CREATE INDEX refund_pruned_refunds_trans ON refund_pruned_refunds (trans_no) WHERE trans_no IS NOT NULL;
CREATE FUNCTION refund_pruned_refunds_insert() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    problem text;
BEGIN
    IF EXISTS (SELECT 1 FROM refund_pruned_refunds p WHERE p.refund_id = NEW.refund_id) THEN
        problem := 'append-only; a row is never replaced';
    ELSIF NOT EXISTS (SELECT 1 FROM refund_queue q JOIN refund_pruned p ON p.id = NEW.pruning
        WHERE q.id = NEW.refund_id AND q.gateway = NEW.gateway
        AND q.merchant_no IS NOT DISTINCT FROM NEW.merchant_no
        AND q.merchant_order_no IS NOT DISTINCT FROM NEW.merchant_order_no
        AND q.trans_no IS NOT DISTINCT FROM NEW.trans_no AND q.state = NEW.state
        AND q.created_at = NEW.created_at AND q.state IN ('settled', 'failed', 'abandoned')
        AND q.attention IS NULL AND q.leased_until IS NULL
        AND p.what = 'ledger' AND p.id = (SELECT max(id) FROM refund_pruned)
        AND NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = q.id AND t.at > p.until)
        AND NOT EXISTS (SELECT 1 FROM refund_event_log e WHERE e.refund_id = q.id AND e.at > p.until)
        AND NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.refund_id = q.id AND (o.leased_until IS NOT NULL
        OR o.state <> 'superseded'
        AND (o.state <> 'delivered' OR o.delivered_at IS NULL OR o.delivered_at > p.until)))) THEN
        problem := 'retention alone prunes, and only an old refund that is final';
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'refund_pruned_refunds: %', problem
            USING ERRCODE = 'check_violation', TABLE = 'refund_pruned_refunds';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refund_pruned_refunds_insert BEFORE INSERT ON refund_pruned_refunds
    FOR EACH ROW EXECUTE FUNCTION refund_pruned_refunds_insert();
CREATE TRIGGER refund_pruned_refunds_update BEFORE UPDATE ON refund_pruned_refunds FOR EACH ROW
    EXECUTE FUNCTION refund_refuse('append-only; a row is never changed');
CREATE TRIGGER refund_pruned_refunds_delete BEFORE DELETE ON refund_pruned_refunds FOR EACH ROW
    EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');
CREATE TRIGGER refund_pruned_refunds_truncate BEFORE TRUNCATE ON refund_pruned_refunds
    EXECUTE FUNCTION refund_refuse('append-only; a row is never deleted');

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
