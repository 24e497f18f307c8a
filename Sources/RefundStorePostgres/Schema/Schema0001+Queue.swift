/// The first schema: the queue and the hints, which applications write.
///
/// This text is frozen. It names no schema. The migration sets `search_path`, and the functions keep it.
///
/// Text is compared by its bytes (`COLLATE "C"`), whatever the collations of the operating system are or become. A
/// rejection is an error of a trigger with the words that SQLite's guards have. An id has no default: so the trigger
/// can tell one that is given, which `GENERATED ALWAYS` cannot.
enum Schema0001 {
    /// What triggers share.
    ///
    /// `statement_timestamp()` is one time within a statement, so a default and a trigger agree. `refund_require` makes
    /// a statement fail that changed fewer rows than it must, before the transaction can commit. `refund_keep` refuses to
    /// delete what retention has not pruned.
    static let functions = #"""
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
        """#

    /// `attention_told` has the bit 256 once `refund.delayed` has reported a refund.
    ///
    /// A claim writes no index: none holds `lease`, `claimed_by` or `leased_until`, nor has one in its condition.
    ///
    /// The rows of `due` and `turns` that are claimed are passed over.
    static let queue = #"""
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
        """#

    /// The guard of the insert tests one condition first, so that a good row costs one look.
    ///
    /// Metadata is parsed in a block that catches errors, a subtransaction: only rows with metadata pay for it.
    /// PostgreSQL decodes escapes when it splits an object into its members, and then refuses unpaired surrogates, but
    /// also U+0000. So an escaped one is replaced before, and every escaped backslash before that, so that what remains
    /// of `\u0000` is an escape.
    static let queueGuards = #"""
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
        """#

    /// A hint names a refund by either number.
    ///
    /// A null `gateway` or `merchant_no` matches any. refundd deletes hints that it has consumed.
    static let hints = #"""
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
        """#
}
