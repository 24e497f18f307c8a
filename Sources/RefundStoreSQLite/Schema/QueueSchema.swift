/// The queue's table, its indexes and what guards it.
///
/// Applications write here with whatever SQLite they have (from 3.26) and however carelessly they like, so:
/// - no `STRICT`, no generated columns, no functions newer than JSON1;
/// - what makes a row unservable is refused by `RAISE(ABORT, …)` in a `BEFORE INSERT` trigger, because `INSERT OR
///   IGNORE` swallows the errors of `CHECK` and `NOT NULL` and the refund would be lost without a word;
/// - no guard relies on `foreign_keys` or `recursive_triggers`, which are off unless the application turns them on.
///
/// `now` is `julianday('now')` in Unix milliseconds; SQLite gives one statement one time, so a default and a trigger
/// agree on it.
enum QueueSchema {
    private static let now = "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)"

    static let tables = """
        CREATE TABLE refund_queue (
            id                   INTEGER PRIMARY KEY AUTOINCREMENT,
            merchant_order_no    TEXT,
            trans_no             TEXT,
            merchant_no          TEXT,
            gateway              TEXT DEFAULT 'default',
            expected_amount      TEXT,
            expected_currency    TEXT,
            callback_url         TEXT,
            metadata             TEXT,
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
            last_error           TEXT,
            created_at           INTEGER DEFAULT (\(now)),
            updated_at           INTEGER DEFAULT (\(now)),
            next_query_at        INTEGER DEFAULT 0,
            leased_until         INTEGER,
            attention_told       INTEGER DEFAULT 0,
            unknown_order        INTEGER DEFAULT 0,
            gateway_trans_no     TEXT,
            orig_trans_no        TEXT,
            pay_channel_trans_no TEXT
        );
        CREATE TABLE refund_replaced (refund_id INTEGER PRIMARY KEY);
        """

    // `due` holds exactly the rows that may be claimed: a claimed row leaves it, its result puts it back.
    static let indexes = """
        CREATE UNIQUE INDEX refund_queue_order ON refund_queue (gateway, ifnull(merchant_no, ''), merchant_order_no)
            WHERE merchant_order_no IS NOT NULL;
        CREATE UNIQUE INDEX refund_queue_trans ON refund_queue (gateway, ifnull(merchant_no, ''), trans_no)
            WHERE trans_no IS NOT NULL;
        CREATE INDEX refund_queue_by_order ON refund_queue (merchant_order_no) WHERE merchant_order_no IS NOT NULL;
        CREATE INDEX refund_queue_by_trans ON refund_queue (trans_no) WHERE trans_no IS NOT NULL;
        CREATE INDEX refund_queue_due ON refund_queue (gateway, next_query_at)
            WHERE state IN ('pending', 'processing') AND leased_until IS NULL;
        CREATE INDEX refund_queue_leased ON refund_queue (leased_until) WHERE leased_until IS NOT NULL;
        CREATE INDEX refund_queue_ageing ON refund_queue (created_at)
            WHERE state IN ('pending', 'processing') AND ifnull(attention, 'undeliverable') = 'undeliverable';
        CREATE INDEX refund_queue_attention ON refund_queue (attention) WHERE attention IS NOT NULL;
        CREATE INDEX refund_queue_state ON refund_queue (state, created_at);
        """

    private static func refuse(_ message: String, when condition: String) -> String {
        "SELECT RAISE(ABORT, 'refund_queue: \(message.replacing("'", with: "''"))') WHERE \(condition);"
    }

    private static func number(_ column: String, longest: Int) -> String {
        refuse(
            "\(column) must be text, 1 to \(longest) characters out of A-Z a-z 0-9 _ - | * @",
            when: """
                NEW.\(column) IS NOT NULL AND (typeof(NEW.\(column)) <> 'text'
                OR length(CAST(NEW.\(column) AS BLOB)) NOT BETWEEN 1 AND \(longest)
                OR length(NEW.\(column)) <> length(CAST(NEW.\(column) AS BLOB))
                OR NEW.\(column) GLOB '*[^-A-Za-z0-9_|*@]*')
                """
        )
    }

    // A NULL id reads as -1 in a BEFORE trigger; the trigger after the insert refuses a real -1.
    private static let refusals = [
        refuse("leave id out, SQLite gives it", when: "NEW.id <> -1"),
        refuse(
            "give merchant_order_no or trans_no",
            when: "NEW.merchant_order_no IS NULL AND NEW.trans_no IS NULL"
        ),
        number("merchant_order_no", longest: 32),
        number("trans_no", longest: 64),
        refuse(
            "merchant_no must be null or text of 1 to 32 printable ASCII characters",
            when: """
                NEW.merchant_no IS NOT NULL AND (typeof(NEW.merchant_no) <> 'text'
                OR length(CAST(NEW.merchant_no AS BLOB)) NOT BETWEEN 1 AND 32
                OR length(NEW.merchant_no) <> length(CAST(NEW.merchant_no AS BLOB))
                OR NEW.merchant_no GLOB '*[^!-~]*')
                """
        ),
        refuse(
            "gateway must be text of 1 to 64 printable ASCII characters; leave it out for 'default'",
            when: """
                NEW.gateway IS NULL OR typeof(NEW.gateway) <> 'text'
                OR length(CAST(NEW.gateway AS BLOB)) NOT BETWEEN 1 AND 64
                OR length(NEW.gateway) <> length(CAST(NEW.gateway AS BLOB)) OR NEW.gateway GLOB '*[^ -~]*'
                """
        ),
        refuse(
            "give expected_amount and expected_currency together, or neither",
            when: "(NEW.expected_amount IS NULL) <> (NEW.expected_currency IS NULL)"
        ),
        refuse(
            "expected_amount must be decimal text in major units, such as '1200' or '12.50'",
            when: """
                NEW.expected_amount IS NOT NULL AND (typeof(NEW.expected_amount) <> 'text'
                OR length(NEW.expected_amount) <> length(CAST(NEW.expected_amount AS BLOB))
                OR length(NEW.expected_amount) > 32 OR NEW.expected_amount GLOB '*[^0-9.]*'
                OR NEW.expected_amount NOT GLOB '[0-9]*' OR NEW.expected_amount GLOB '*.*.*'
                OR NEW.expected_amount GLOB '*.')
                """
        ),
        refuse(
            "expected_currency must be three capital letters, such as 'JPY'",
            when: """
                NEW.expected_currency IS NOT NULL AND (typeof(NEW.expected_currency) <> 'text'
                OR length(CAST(NEW.expected_currency AS BLOB)) <> 3
                OR NEW.expected_currency NOT GLOB '[A-Z][A-Z][A-Z]')
                """
        ),
        refuse(
            "callback_url must start with https:// or http:// and be at most 2048 ASCII characters without blanks",
            when: """
                NEW.callback_url IS NOT NULL AND (typeof(NEW.callback_url) <> 'text'
                OR length(CAST(NEW.callback_url AS BLOB)) > 2048
                OR length(NEW.callback_url) <> length(CAST(NEW.callback_url AS BLOB))
                OR NEW.callback_url GLOB '*[^!-~]*'
                OR (lower(NEW.callback_url) NOT GLOB 'http://?*' AND lower(NEW.callback_url) NOT GLOB 'https://?*'))
                """
        ),
        refuse(
            "metadata must be the text of a JSON object of at most 16384 bytes",
            when: """
                NEW.metadata IS NOT NULL AND (typeof(NEW.metadata) <> 'text'
                OR length(CAST(NEW.metadata AS BLOB)) > 16384 OR instr(CAST(NEW.metadata AS BLOB), x'00')
                OR CASE WHEN json_valid(NEW.metadata) THEN json_type(NEW.metadata) <> 'object' ELSE 1 END)
                """
        ),
    ]

    // The columns that no application writes, with what they start as.
    private static let presets = [
        ("state", "'pending'"), ("attention", "NULL"), ("trans_status", "NULL"), ("trans_amount", "NULL"),
        ("trans_currency", "NULL"), ("trans_end_at", "NULL"), ("failure_code", "NULL"), ("failure_message", "NULL"),
        ("attempts", "0"), ("last_query_at", "NULL"), ("last_error", "NULL"), ("created_at", now),
        ("updated_at", now), ("next_query_at", "0"), ("leased_until", "NULL"), ("attention_told", "0"),
        ("unknown_order", "0"), ("gateway_trans_no", "NULL"), ("orig_trans_no", "NULL"),
        ("pay_channel_trans_no", "NULL"),
    ].map { column, value in
        refuse("leave \(column) out, refundd writes it", when: "NEW.\(column) IS NOT \(value)")
    }

    // What the guards of updates refuse, whichever updates they are asked about.
    private static let identity = """
        WHEN OLD.id IS NOT NEW.id OR OLD.merchant_order_no IS NOT NEW.merchant_order_no
            OR OLD.trans_no IS NOT NEW.trans_no OR OLD.merchant_no IS NOT NEW.merchant_no
            OR OLD.gateway IS NOT NEW.gateway OR OLD.expected_amount IS NOT NEW.expected_amount
            OR OLD.expected_currency IS NOT NEW.expected_currency OR OLD.created_at IS NOT NEW.created_at
        BEGIN
            SELECT RAISE(ABORT, 'refund_queue: what identifies a refund and what it must amount to never change');
        END;
        """
    private static let steps = refuse(
        "state and attention change only with their row in refund_transitions, which refundd writes",
        when: """
            NOT EXISTS (SELECT 1 FROM refund_transitions t WHERE t.refund_id = OLD.id
            AND t.from_state = OLD.state AND t.to_state = NEW.state AND t.attention IS NEW.attention
            AND t.sequence = (SELECT max(sequence) FROM refund_transitions WHERE refund_id = OLD.id))
            """
    )

    // REPLACE deletes the old row without firing a DELETE trigger. The trigger before the insert notes which row that
    // would be, the one after it refuses if that row is gone.
    static let triggers = """
        CREATE TRIGGER refund_queue_insert BEFORE INSERT ON refund_queue BEGIN
            \((refusals + presets).joined(separator: "\n    "))
            DELETE FROM refund_replaced;
            INSERT OR IGNORE INTO refund_replaced SELECT id FROM refund_queue
                WHERE gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
                AND merchant_order_no = NEW.merchant_order_no;
            INSERT OR IGNORE INTO refund_replaced SELECT id FROM refund_queue
                WHERE gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
                AND trans_no = NEW.trans_no AND id NOT IN (SELECT refund_id FROM refund_replaced);
        END;
        CREATE TRIGGER refund_queue_inserted AFTER INSERT ON refund_queue BEGIN
            \(refuse("leave id out, SQLite gives it", when: "NEW.id < 1"))
            \(refuse(
                "a refund cannot be replaced; use INSERT ... ON CONFLICT DO NOTHING",
                when: """
                    EXISTS (SELECT 1 FROM refund_replaced r
                    WHERE NOT EXISTS (SELECT 1 FROM refund_queue q WHERE q.id = r.refund_id))
                    """
            ))
        END;
        CREATE TRIGGER refund_queue_delete BEFORE DELETE ON refund_queue BEGIN
            SELECT RAISE(ABORT, 'refund_queue: a refund is never deleted; to stop asking use refundd abandon');
        END;
        CREATE TRIGGER refund_queue_identity BEFORE UPDATE ON refund_queue
        \(identity)
        CREATE TRIGGER refund_queue_state BEFORE UPDATE ON refund_queue
        WHEN OLD.state IS NOT NEW.state OR OLD.attention IS NOT NEW.attention BEGIN
            \(refuse(
                "a final state never changes",
                when: "OLD.state IN ('settled', 'failed', 'abandoned') AND OLD.state IS NOT NEW.state"
            ))
            \(refuse(
                "unknown state",
                when: """
                    NEW.state IS NULL
                    OR NEW.state NOT IN ('pending', 'processing', 'settled', 'failed', 'abandoned')
                    """
            ))
            \(steps)
        END;
        """

    /// Whether the last query was answered, for whoever waits for its answer: `last_error` only says it in words.
    static let verification = """
        ALTER TABLE refund_queue ADD COLUMN last_query_verified INTEGER DEFAULT 0;
        CREATE TRIGGER refund_queue_insert_verified BEFORE INSERT ON refund_queue BEGIN
            \(refuse("leave last_query_verified out, refundd writes it", when: "NEW.last_query_verified IS NOT 0"))
        END;
        """

    // Every name of the row's number, which an UPDATE may use in the place of `id`.
    private static let rowNumber = "id, rowid, oid, _rowid_"

    /// The guards of updates once more, so that an update runs only those that its columns concern.
    static let updates = """
        DROP TRIGGER refund_queue_identity;
        CREATE TRIGGER refund_queue_identity BEFORE UPDATE OF \(rowNumber), merchant_order_no, trans_no, merchant_no,
            gateway, expected_amount, expected_currency, created_at ON refund_queue
        \(identity)
        DROP TRIGGER refund_queue_state;
        CREATE TRIGGER refund_queue_state BEFORE UPDATE OF state, attention ON refund_queue
        WHEN OLD.state IS NOT NEW.state OR OLD.attention IS NOT NEW.attention BEGIN
            \(refuse(
                "a final state never changes",
                when: "\(LedgerSchema.isFinal("OLD.state")) AND OLD.state IS NOT NEW.state"
            ))
            \(refuse(
                "unknown state",
                when: """
                    NEW.state IS NULL OR NOT
                    (NEW.state = 'pending' OR NEW.state = 'processing' OR \(LedgerSchema.isFinal("NEW.state")))
                    """
            ))
            \(steps)
        END;
        """
}
