/// The first schema: the queue and the hints, which applications write.
///
/// This text is frozen. Applications as old as SQLite 3.26 insert here, so the schema has no `STRICT`, no generated
/// columns, no `WITH` in triggers, and no function newer than JSON1. Every rejection is a `RAISE(ABORT, …)` in a trigger:
/// `INSERT OR IGNORE` swallows the errors of `CHECK` and `NOT NULL`, and the refund would be lost silently. No guard
/// relies on `foreign_keys` or `recursive_triggers`.
///
/// `julianday('now')` is constant within a statement, so a default and a trigger agree on the time.
enum Schema0001 {
    /// `callback_url` and `metadata` come last: statements that do not need them do not read their overflow pages.
    ///
    /// The index `due` holds exactly the refunds that can be claimed: a claim removes the row from it, and the result
    /// returns it. So does `turns`, by merchant. `refund_replaced` is scratch space of the guards against REPLACE.
    static let queue = #"""
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
        CREATE TABLE refund_replaced (refund_id INTEGER PRIMARY KEY);

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
        """#

    /// A missing id reads as -1 in a BEFORE trigger; the AFTER trigger rejects a real -1.
    ///
    /// REPLACE deletes the old row without firing a DELETE trigger. The BEFORE trigger notes which live rows would be
    /// replaced, and the AFTER trigger rejects the insert if one of them is gone.
    ///
    /// When SQLite decodes text, it reads malformed UTF-8, unpaired surrogates included, as U+FFFD. Metadata that
    /// contains U+FFFD after every well-formed U+FFFD, U+FFFE and U+FFFF was removed is therefore malformed.
    ///
    /// SQLite's functions end a text at U+0000, so an escaped one is replaced. First every escaped backslash is, so that
    /// what remains of `\u0000` is an escape.
    ///
    /// The depth of a JSON value is the number of separators in its path. So that separators within names do not count,
    /// the text is split at its quotes, and every second piece, the content of a string, is replaced by `x`.
    static let queueGuards = #"""
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
            SELECT RAISE(ABORT, 'refund_queue: callback_url must start with https:// or http:// \#
        and be at most 2048 ASCII characters without blanks')
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
            SELECT RAISE(ABORT, 'refund_queue: state and attention change only together with their row in \#
        refund_transitions, which refundd writes')
                WHERE NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = OLD.id
                AND t.from_state = OLD.state AND t.to_state = NEW.state AND t.attention IS NEW.attention
                AND t.sequence = (SELECT max(sequence) FROM refund_transitions WHERE refund_id = OLD.id));
        END;
        """#

    /// A hint names a refund by either number.
    ///
    /// A null `gateway` or `merchant_no` matches any. refundd deletes hints that it has consumed.
    static let hints = #"""
        CREATE TABLE refund_hints (
            id                INTEGER PRIMARY KEY AUTOINCREMENT,
            merchant_order_no TEXT,
            trans_no          TEXT,
            merchant_no       TEXT,
            gateway           TEXT,
            created_at        INTEGER DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER))
        );
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
        """#
}
