PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE refund_migrations
(id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL);
INSERT INTO refund_migrations VALUES(1,'queue, ledger, events and outbox',1790000000000);
INSERT INTO refund_migrations VALUES(2,'pauses, heartbeat and delayed refunds',1800000100000);
CREATE TABLE refund_queue (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant_order_no    TEXT,
    trans_no             TEXT,
    merchant_no          TEXT,
    gateway              TEXT DEFAULT 'default',
    expected_amount      TEXT,
    expected_currency    TEXT,
    state                TEXT DEFAULT 'pending',
    attention            TEXT,
    trans_status         INTEGER,
    trans_amount         TEXT,
    trans_currency       TEXT,
    trans_end_at         INTEGER,
    failure_code         TEXT,
    failure_message      TEXT,
    attempts             INTEGER DEFAULT 0,
    last_query_at        INTEGER,
    last_query_verified  INTEGER DEFAULT 0,
    last_error           TEXT,
    created_at           INTEGER DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)),
    updated_at           INTEGER DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)),
    next_query_at        INTEGER DEFAULT 0,
    lease                INTEGER DEFAULT 0,
    leased_until         INTEGER,
    attention_told       INTEGER DEFAULT 0,
    unknown_order        INTEGER DEFAULT 0,
    gateway_trans_no     TEXT,
    orig_trans_no        TEXT,
    pay_channel_trans_no TEXT,
    callback_url         TEXT,
    metadata             TEXT
);
INSERT INTO refund_queue VALUES(1,'R-1',NULL,NULL,'default','1200','JPY','settled',NULL,2,'1200','JPY',NULL,NULL,NULL,2,1800000000000,1,NULL,1795877608229,1800000000000,NULL,0,NULL,0,0,NULL,NULL,NULL,NULL,'{"cart":"c-9"}');
INSERT INTO refund_queue VALUES(2,NULL,'T-2','3121','second',NULL,NULL,'pending',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,NULL,1795877608231,1795877608231,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO refund_queue VALUES(3,'R-3',NULL,NULL,'default',NULL,NULL,'abandoned',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,NULL,1795877608233,1800000000000,NULL,0,NULL,0,0,NULL,NULL,NULL,'https://hooks.example/shop',NULL);
INSERT INTO refund_queue VALUES(4,'R-3',NULL,NULL,'default',NULL,NULL,'pending',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,0,NULL,1795877608247,1795877608247,0,0,NULL,0,0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE refund_replaced (refund_id INTEGER PRIMARY KEY);
INSERT INTO refund_replaced VALUES(4);
CREATE TABLE refund_hints (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant_order_no TEXT,
    trans_no          TEXT,
    merchant_no       TEXT,
    gateway           TEXT,
    created_at        INTEGER DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER))
);
INSERT INTO refund_hints VALUES(1,'R-3',NULL,NULL,NULL,1795877608250);
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
INSERT INTO refund_transitions VALUES(1,1,1,1800000000000,'pending','processing',NULL,NULL,0,'0','P-1',X'7b22636f6465223a2230222c22c3a9223a317d','refundd','processing',1795877608229,'R-1');
INSERT INTO refund_transitions VALUES(2,1,2,1800000000000,'processing','settled',NULL,NULL,2,'0','P-1',X'7b22636f6465223a2230222c22c3a9223a317d','refundd','settled',1795877608229,'R-1');
INSERT INTO refund_transitions VALUES(3,3,1,1800000000000,'pending','abandoned',NULL,'lost',NULL,NULL,NULL,NULL,'ada',NULL,1795877608233,'R-3');
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
INSERT INTO refund_event_log VALUES(1,1800000000000,'refund.processing',1,1,NULL,'processing','{"type":"refund.processing","timestamp":"2027-01-15T08:00:00.000Z","data":{"refund_id":1,"sequence":1,"gateway":"default","merchant_no":"3121","merchant_order_no":"R-1","trans_no":null,"orig_trans_no":null,"state":"processing","previous_state":"pending","attention":null,"trans_status":0,"amount":null,"currency":null,"expected_amount":"1200","expected_currency":"JPY","trans_end_time":null,"pay_channel_trans_no":null,"failure":null,"actor":"refundd","reason":null,"attempts":1,"enqueued_at":"2026-11-28T14:53:28.229Z","metadata":{"cart":"c-9"}}}');
INSERT INTO refund_event_log VALUES(2,1800000000000,'refund.settled',1,2,NULL,'settled','{"type":"refund.settled","timestamp":"2027-01-15T08:00:00.000Z","data":{"refund_id":1,"sequence":2,"gateway":"default","merchant_no":"3121","merchant_order_no":"R-1","trans_no":null,"orig_trans_no":null,"state":"settled","previous_state":"processing","attention":null,"trans_status":2,"amount":"1200","currency":"JPY","expected_amount":"1200","expected_currency":"JPY","trans_end_time":null,"pay_channel_trans_no":null,"failure":null,"actor":"refundd","reason":null,"attempts":2,"enqueued_at":"2026-11-28T14:53:28.229Z","metadata":{"cart":"c-9"}}}');
INSERT INTO refund_event_log VALUES(3,1800000000000,'refund.abandoned',3,1,NULL,'abandoned','{"type":"refund.abandoned","timestamp":"2027-01-15T08:00:00.000Z","data":{"refund_id":3,"sequence":1,"gateway":"default","merchant_no":"3121","merchant_order_no":"R-3","trans_no":null,"orig_trans_no":null,"state":"abandoned","previous_state":"pending","attention":null,"trans_status":null,"amount":null,"currency":null,"expected_amount":null,"expected_currency":null,"trans_end_time":null,"pay_channel_trans_no":null,"failure":null,"actor":"ada","reason":"lost","attempts":0,"enqueued_at":"2026-11-28T14:53:28.233Z","metadata":null}}');
INSERT INTO refund_event_log VALUES(4,1800000000000,'gateway.needs_attention',NULL,NULL,'second',NULL,'{"type":"gateway.needs_attention","timestamp":"2027-01-15T08:00:00.000Z","data":{"gateway":"second","attention":"misconfigured","code":"SYS002","message":"refused","since":"2027-01-15T08:00:00.000Z"}}');
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
INSERT INTO refund_outbox VALUES(1,'msg_1',1,'refund.processing','https://hooks.example/in','hooks.example','delivered',1,NULL,204,NULL,1800000000000,1,NULL,0);
INSERT INTO refund_outbox VALUES(2,'msg_2',1,'refund.settled','https://hooks.example/in','hooks.example','pending',1,1800000005000,500,'HTTP status 500',NULL,1,NULL,0);
INSERT INTO refund_outbox VALUES(3,'msg_3',3,'refund.abandoned','https://hooks.example/shop','hooks.example','pending',0,1800000000000,NULL,NULL,NULL,0,NULL,0);
INSERT INTO refund_outbox VALUES(4,'msg_4',NULL,'gateway.needs_attention','https://hooks.example/in','hooks.example','pending',0,1800000000000,NULL,NULL,NULL,0,NULL,0);
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
INSERT INTO refund_outbox_attempts VALUES(1,1,1,1800000000000,204,NULL,12,X'');
INSERT INTO refund_outbox_attempts VALUES(2,2,1,1800000000000,500,'HTTP status 500',34,X'6f6f7073');
CREATE TABLE refund_gateways (
    name             TEXT PRIMARY KEY NOT NULL,
    last_verified_at INTEGER,
    last_error       TEXT,
    last_error_at    INTEGER
);
INSERT INTO refund_gateways VALUES('default',1800000000000,NULL,NULL);
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
INSERT INTO refund_incidents VALUES('second','','misconfigured','SYS002','refused',1,1800000000000);
CREATE TABLE refund_endpoints (
    url           TEXT PRIMARY KEY NOT NULL,
    failing_since INTEGER NOT NULL,
    failed_at     INTEGER NOT NULL,
    disabled_at   INTEGER,
    reason        TEXT
);
INSERT INTO refund_endpoints VALUES('https://hooks.example/in',1800000000000,1800000000000,NULL,NULL);
CREATE TABLE refund_breakers (
    kind          TEXT NOT NULL,
    name          TEXT NOT NULL,
    since         INTEGER NOT NULL,
    reason        TEXT NOT NULL,
    next_probe_at INTEGER,
    PRIMARY KEY (kind, name)
);
INSERT INTO refund_breakers VALUES('endpoint','https://hooks.example:443',1800000000000,'HTTP status 500',NULL);
CREATE TABLE refund_actions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    refund_id  INTEGER,
    webhook_id TEXT
);
INSERT INTO refund_actions VALUES(1,1800000000000,'ada','query',2,NULL);
INSERT INTO refund_actions VALUES(2,1800000200000,'ada','pause gateway default',NULL,NULL);
INSERT INTO refund_actions VALUES(3,1800000300000,'ada','resume gateway default',NULL,NULL);
INSERT INTO refund_actions VALUES(4,1800000400000,'ada','pause endpoint https://hooks.example:443',NULL,NULL);
CREATE TABLE refund_counts (
    counted TEXT NOT NULL,
    state   TEXT NOT NULL,
    number  INTEGER NOT NULL,
    PRIMARY KEY (counted, state)
) WITHOUT ROWID;
INSERT INTO refund_counts VALUES('refund_outbox','dead',0);
INSERT INTO refund_counts VALUES('refund_outbox','delivered',1);
INSERT INTO refund_counts VALUES('refund_outbox','pending',3);
INSERT INTO refund_counts VALUES('refund_outbox','superseded',0);
INSERT INTO refund_counts VALUES('refund_queue','abandoned',1);
INSERT INTO refund_counts VALUES('refund_queue','failed',0);
INSERT INTO refund_counts VALUES('refund_queue','pending',2);
INSERT INTO refund_counts VALUES('refund_queue','processing',0);
INSERT INTO refund_counts VALUES('refund_queue','settled',1);
CREATE TABLE refund_pauses (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    reason     TEXT,
    resumed_at INTEGER,
    resumed_by TEXT
);
INSERT INTO refund_pauses VALUES(1,'gateway','default',1800000200000,'ada','maintenance',1800000300000,'ada');
INSERT INTO refund_pauses VALUES(2,'endpoint','https://hooks.example:443',1800000400000,'ada',NULL,NULL,NULL);
CREATE TABLE refund_heartbeat (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL
);
INSERT INTO refund_heartbeat VALUES(1,1800000500000);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('refund_queue',5);
INSERT INTO sqlite_sequence VALUES('refund_transitions',3);
INSERT INTO sqlite_sequence VALUES('refund_event_log',4);
INSERT INTO sqlite_sequence VALUES('refund_actions',4);
INSERT INTO sqlite_sequence VALUES('refund_hints',1);
CREATE UNIQUE INDEX refund_queue_order ON refund_queue (gateway, ifnull(merchant_no, ''), merchant_order_no)
    WHERE merchant_order_no IS NOT NULL AND state <> 'abandoned';
CREATE UNIQUE INDEX refund_queue_trans ON refund_queue (gateway, ifnull(merchant_no, ''), trans_no)
    WHERE trans_no IS NOT NULL AND state <> 'abandoned';
CREATE INDEX refund_queue_by_order ON refund_queue (merchant_order_no) WHERE merchant_order_no IS NOT NULL;
CREATE INDEX refund_queue_by_trans ON refund_queue (trans_no) WHERE trans_no IS NOT NULL;
CREATE INDEX refund_queue_due ON refund_queue (gateway, next_query_at)
    WHERE state IN ('pending', 'processing') AND leased_until IS NULL;
CREATE INDEX refund_queue_turns ON refund_queue (gateway, ifnull(merchant_no, ''), next_query_at)
    WHERE state IN ('pending', 'processing') AND leased_until IS NULL;
CREATE INDEX refund_queue_leased ON refund_queue (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX refund_queue_ageing ON refund_queue (created_at)
    WHERE state IN ('pending', 'processing') AND ifnull(attention, 'undeliverable') = 'undeliverable';
CREATE INDEX refund_queue_attention ON refund_queue (attention) WHERE attention IS NOT NULL;
CREATE INDEX refund_queue_state ON refund_queue (state, created_at);
CREATE TRIGGER refund_queue_insert BEFORE INSERT ON refund_queue BEGIN
    SELECT RAISE(ABORT, 'refund_queue: leave id out, SQLite assigns it') WHERE NEW.id <> -1;
    SELECT RAISE(ABORT, 'refund_queue: give merchant_order_no or trans_no')
        WHERE NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL;
    SELECT RAISE(ABORT,
        'refund_queue: merchant_order_no must be text of 1 to 32 characters from A-Z a-z 0-9 _ - | * @')
        WHERE NEW.merchant_order_no IS NOT NULL AND (typeof(NEW.merchant_order_no) <> 'text'
        OR length(CAST(NEW.merchant_order_no AS BLOB)) NOT BETWEEN 1 AND 32
        OR length(NEW.merchant_order_no) <> length(CAST(NEW.merchant_order_no AS BLOB))
        OR NEW.merchant_order_no GLOB '*[^-A-Za-z0-9_|*@]*');
    SELECT RAISE(ABORT, 'refund_queue: trans_no must be text of 1 to 64 characters from A-Z a-z 0-9 _ - | * @')
        WHERE NEW.trans_no IS NOT NULL AND (typeof(NEW.trans_no) <> 'text'
        OR length(CAST(NEW.trans_no AS BLOB)) NOT BETWEEN 1 AND 64
        OR length(NEW.trans_no) <> length(CAST(NEW.trans_no AS BLOB))
        OR NEW.trans_no GLOB '*[^-A-Za-z0-9_|*@]*');
    SELECT RAISE(ABORT, 'refund_queue: merchant_no must be null or text of 1 to 32 printable ASCII characters')
        WHERE NEW.merchant_no IS NOT NULL AND (typeof(NEW.merchant_no) <> 'text'
        OR length(CAST(NEW.merchant_no AS BLOB)) NOT BETWEEN 1 AND 32
        OR length(NEW.merchant_no) <> length(CAST(NEW.merchant_no AS BLOB))
        OR NEW.merchant_no GLOB '*[^!-~]*');
    SELECT RAISE(ABORT,
        'refund_queue: gateway must be text of 1 to 64 printable ASCII characters; leave it out for ''default''')
        WHERE NEW.gateway IS NULL OR typeof(NEW.gateway) <> 'text'
        OR length(CAST(NEW.gateway AS BLOB)) NOT BETWEEN 1 AND 64
        OR length(NEW.gateway) <> length(CAST(NEW.gateway AS BLOB)) OR NEW.gateway GLOB '*[^ -~]*';
    SELECT RAISE(ABORT, 'refund_queue: give expected_amount and expected_currency together, or neither')
        WHERE (NEW.expected_amount IS NULL) <> (NEW.expected_currency IS NULL);
    SELECT RAISE(ABORT,
        'refund_queue: expected_amount must be decimal text in major units, such as ''1200'' or ''12.50''')
        WHERE NEW.expected_amount IS NOT NULL AND (typeof(NEW.expected_amount) <> 'text'
        OR length(NEW.expected_amount) <> length(CAST(NEW.expected_amount AS BLOB))
        OR length(NEW.expected_amount) > 32 OR NEW.expected_amount GLOB '*[^0-9.]*'
        OR NEW.expected_amount NOT GLOB '[0-9]*' OR NEW.expected_amount GLOB '*.*.*'
        OR NEW.expected_amount GLOB '*.');
    SELECT RAISE(ABORT, 'refund_queue: expected_currency must be three capital letters, such as ''JPY''')
        WHERE NEW.expected_currency IS NOT NULL AND (typeof(NEW.expected_currency) <> 'text'
        OR length(CAST(NEW.expected_currency AS BLOB)) <> 3
        OR NEW.expected_currency NOT GLOB '[A-Z][A-Z][A-Z]');
    SELECT RAISE(ABORT, 'refund_queue: callback_url must start with https:// or http:// and be at most 2048 ASCII characters without blanks')
        WHERE NEW.callback_url IS NOT NULL AND (typeof(NEW.callback_url) <> 'text'
        OR length(CAST(NEW.callback_url AS BLOB)) > 2048
        OR length(NEW.callback_url) <> length(CAST(NEW.callback_url AS BLOB))
        OR NEW.callback_url GLOB '*[^!-~]*'
        OR (lower(NEW.callback_url) NOT GLOB 'http://?*' AND lower(NEW.callback_url) NOT GLOB 'https://?*'));

    SELECT RAISE(ABORT, 'refund_queue: metadata must not contain NUL')
        WHERE typeof(NEW.metadata) = 'text' AND instr(CAST(NEW.metadata AS BLOB), x'00');
    SELECT RAISE(ABORT, 'refund_queue: metadata must be the text of a JSON object of at most 16384 bytes')
        WHERE NEW.metadata IS NOT NULL AND (typeof(NEW.metadata) <> 'text'
        OR length(CAST(NEW.metadata AS BLOB)) > 16384
        OR CASE WHEN json_valid(NEW.metadata) THEN json_type(NEW.metadata) <> 'object' ELSE 1 END);
    SELECT RAISE(ABORT, 'refund_queue: metadata must be UTF-8')
        WHERE replace(replace(replace(NEW.metadata, char(65533), '?'), char(65534), '?'), char(65535), '?')
        GLOB '*' || char(65533) || '*';
    SELECT RAISE(ABORT, 'refund_queue: metadata must not contain an unpaired surrogate, such as \ud83d alone')
        WHERE instr(NEW.metadata, '\u') AND EXISTS (
            SELECT 1 FROM json_tree(replace(replace(NEW.metadata, '\\', '\u005c'), '\u0000', '\uf8f0'))
            WHERE replace(replace(replace(key, char(65533), '?'), char(65534), '?'), char(65535), '?')
            GLOB '*' || char(65533) || '*'
            OR replace(replace(replace(atom, char(65533), '?'), char(65534), '?'), char(65535), '?')
            GLOB '*' || char(65533) || '*');
    SELECT RAISE(ABORT, 'refund_queue: metadata must not repeat a member within an object')
        WHERE EXISTS (SELECT 1 FROM json_tree(replace(replace(NEW.metadata, '\\', '\u005c'), '\u0000', '\uf8f0'))
        GROUP BY parent, key HAVING count(*) > 1);
    SELECT RAISE(ABORT, 'refund_queue: metadata must not be nested deeper than 64 levels')
        WHERE length(NEW.metadata) - length(replace(replace(NEW.metadata, '[', ''), '{', '')) > 64 AND EXISTS (
            SELECT 1 FROM json_tree((
                SELECT group_concat(CASE WHEN key % 2 THEN 'x' ELSE value END, '"')
                FROM json_each('["' || replace(replace(replace(replace(replace(replace(replace(
                NEW.metadata, '\\', ''), '\"', ''), '\', ''), char(9), ' '), char(10), ' '), char(13), ' '),
                '"', '","') || '"]')))
            WHERE (type = 'object' OR type = 'array')
            AND length(fullkey) - length(replace(replace(fullkey, '.', ''), '[', '')) >= 64);

    SELECT RAISE(ABORT, 'refund_queue: leave state out, refundd writes it') WHERE NEW.state IS NOT 'pending';
    SELECT RAISE(ABORT, 'refund_queue: leave attention out, refundd writes it') WHERE NEW.attention IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave trans_status out, refundd writes it')
        WHERE NEW.trans_status IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave trans_amount out, refundd writes it')
        WHERE NEW.trans_amount IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave trans_currency out, refundd writes it')
        WHERE NEW.trans_currency IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave trans_end_at out, refundd writes it')
        WHERE NEW.trans_end_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave failure_code out, refundd writes it')
        WHERE NEW.failure_code IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave failure_message out, refundd writes it')
        WHERE NEW.failure_message IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave attempts out, refundd writes it') WHERE NEW.attempts IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave last_query_at out, refundd writes it')
        WHERE NEW.last_query_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave last_query_verified out, refundd writes it')
        WHERE NEW.last_query_verified IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave last_error out, refundd writes it')
        WHERE NEW.last_error IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave created_at out, refundd writes it')
        WHERE NEW.created_at IS NOT CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER);
    SELECT RAISE(ABORT, 'refund_queue: leave updated_at out, refundd writes it')
        WHERE NEW.updated_at IS NOT CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER);
    SELECT RAISE(ABORT, 'refund_queue: leave next_query_at out, refundd writes it')
        WHERE NEW.next_query_at IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave lease out, refundd writes it') WHERE NEW.lease IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave leased_until out, refundd writes it')
        WHERE NEW.leased_until IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave attention_told out, refundd writes it')
        WHERE NEW.attention_told IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave unknown_order out, refundd writes it')
        WHERE NEW.unknown_order IS NOT 0;
    SELECT RAISE(ABORT, 'refund_queue: leave gateway_trans_no out, refundd writes it')
        WHERE NEW.gateway_trans_no IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave orig_trans_no out, refundd writes it')
        WHERE NEW.orig_trans_no IS NOT NULL;
    SELECT RAISE(ABORT, 'refund_queue: leave pay_channel_trans_no out, refundd writes it')
        WHERE NEW.pay_channel_trans_no IS NOT NULL;

    DELETE FROM refund_replaced;
    INSERT OR IGNORE INTO refund_replaced SELECT id FROM refund_queue
        WHERE gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
        AND merchant_order_no = NEW.merchant_order_no AND state <> 'abandoned';
    INSERT OR IGNORE INTO refund_replaced SELECT id FROM refund_queue
        WHERE gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
        AND trans_no = NEW.trans_no AND state <> 'abandoned'
        AND id NOT IN (SELECT refund_id FROM refund_replaced);
END;
CREATE TRIGGER refund_queue_inserted AFTER INSERT ON refund_queue BEGIN
    SELECT RAISE(ABORT, 'refund_queue: leave id out, SQLite assigns it') WHERE NEW.id < 1;
    SELECT RAISE(ABORT, 'refund_queue: a refund cannot be replaced; use INSERT ... ON CONFLICT DO NOTHING')
        WHERE EXISTS (SELECT 1 FROM refund_replaced r
        WHERE NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.id = r.refund_id));
END;
CREATE TRIGGER refund_queue_delete BEFORE DELETE ON refund_queue BEGIN
    SELECT RAISE(ABORT, 'refund_queue: a refund is never deleted; run refundd abandon to stop polling');
END;
CREATE TRIGGER refund_queue_identity BEFORE UPDATE OF id, rowid, oid, _rowid_, merchant_order_no, trans_no,
    merchant_no, gateway, expected_amount, expected_currency, created_at ON refund_queue
WHEN OLD.id IS NOT NEW.id OR OLD.merchant_order_no IS NOT NEW.merchant_order_no
    OR OLD.trans_no IS NOT NEW.trans_no OR OLD.merchant_no IS NOT NEW.merchant_no
    OR OLD.gateway IS NOT NEW.gateway OR OLD.expected_amount IS NOT NEW.expected_amount
    OR OLD.expected_currency IS NOT NEW.expected_currency OR OLD.created_at IS NOT NEW.created_at
BEGIN
    SELECT RAISE(ABORT, 'refund_queue: the identity and the expected amount of a refund never change');
END;
CREATE TRIGGER refund_queue_state BEFORE UPDATE OF state, attention ON refund_queue
WHEN OLD.state IS NOT NEW.state OR OLD.attention IS NOT NEW.attention BEGIN
    SELECT RAISE(ABORT, 'refund_queue: a final state never changes') WHERE OLD.state IS NOT NEW.state
        AND (OLD.state = 'settled' OR OLD.state = 'failed' OR OLD.state = 'abandoned');
    SELECT RAISE(ABORT, 'refund_queue: unknown state') WHERE NEW.state IS NULL OR NOT
        (NEW.state = 'pending' OR NEW.state = 'processing' OR NEW.state = 'settled' OR NEW.state = 'failed'
        OR NEW.state = 'abandoned');
    SELECT RAISE(ABORT, 'refund_queue: state and attention change only together with their row in refund_transitions, which refundd writes')
        WHERE NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = OLD.id
        AND t.from_state = OLD.state AND t.to_state = NEW.state AND t.attention IS NEW.attention
        AND t.sequence = (SELECT max(sequence) FROM refund_transitions WHERE refund_id = OLD.id));
END;
CREATE TRIGGER refund_hints_insert BEFORE INSERT ON refund_hints BEGIN
    SELECT RAISE(ABORT, 'refund_hints: leave id out, SQLite assigns it') WHERE NEW.id <> -1;
    SELECT RAISE(ABORT, 'refund_hints: leave created_at out, SQLite sets it')
        WHERE NEW.created_at IS NOT CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER);
    SELECT RAISE(ABORT, 'refund_hints: give merchant_order_no or trans_no')
        WHERE NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL;
    SELECT RAISE(ABORT, 'refund_hints: refund_queue has no such refund')
        WHERE NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.merchant_order_no = NEW.merchant_order_no
            AND (q.trans_no IS NULL OR NEW.trans_no IS NULL OR q.trans_no = NEW.trans_no)
            AND (NEW.gateway IS NULL OR q.gateway = NEW.gateway)
            AND (NEW.merchant_no IS NULL OR q.merchant_no = NEW.merchant_no))
        AND NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.trans_no = NEW.trans_no
            AND (q.merchant_order_no IS NULL OR NEW.merchant_order_no IS NULL
            OR q.merchant_order_no = NEW.merchant_order_no)
            AND (NEW.gateway IS NULL OR q.gateway = NEW.gateway)
            AND (NEW.merchant_no IS NULL OR q.merchant_no = NEW.merchant_no));
END;
CREATE TRIGGER refund_hints_inserted AFTER INSERT ON refund_hints WHEN NEW.id < 1 BEGIN
    SELECT RAISE(ABORT, 'refund_hints: leave id out, SQLite assigns it');
END;
CREATE TRIGGER refund_hints_update BEFORE UPDATE ON refund_hints BEGIN
    SELECT RAISE(ABORT, 'refund_hints: insert another hint instead of changing one');
END;
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
    SELECT RAISE(ABORT, 'refund_webhooks: read-only, refundd writes it; to send a webhook again run refundd redeliver');
END;
CREATE TRIGGER refund_webhooks_delete INSTEAD OF DELETE ON refund_webhooks BEGIN
    SELECT RAISE(ABORT, 'refund_webhooks: read-only, refundd writes it');
END;
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
CREATE UNIQUE INDEX refund_pauses_current ON refund_pauses (kind, name) WHERE resumed_at IS NULL;
CREATE TRIGGER refund_pauses_delete BEFORE DELETE ON refund_pauses BEGIN
    SELECT RAISE(ABORT, 'refund_pauses: a pause is never deleted; run refundd resume to end it');
END;
CREATE INDEX refund_queue_delays ON refund_queue (created_at)
    WHERE state IN ('pending', 'processing') AND ifnull(attention_told, 0) & 256 = 0;
COMMIT;
