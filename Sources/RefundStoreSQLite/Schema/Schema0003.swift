/// The third schema: what retention removes, and the guards that let nothing else be removed.
///
/// This text is frozen. Retention first inserts a row into `refund_pruned`. Until the next one, that row allows exactly what is final and
/// older than its `until`: marking webhooks (`pruned_at`), or recording refunds in `refund_pruned_refunds`. Only what is
/// marked or recorded can be emptied or deleted.
enum Schema0003 {
    /// The index `kept` holds exactly the webhooks that may be pruned one day.
    static let webhooks = #"""
        CREATE TABLE refund_pruned (
            id          INTEGER PRIMARY KEY AUTOINCREMENT,
            at          INTEGER NOT NULL,
            what        TEXT NOT NULL,
            until       INTEGER NOT NULL,
            actor       TEXT NOT NULL,
            refunds     INTEGER NOT NULL,
            transitions INTEGER NOT NULL,
            events      INTEGER NOT NULL,
            webhooks    INTEGER NOT NULL,
            bodies      INTEGER NOT NULL,
            attempts    INTEGER NOT NULL
        );
        CREATE TRIGGER refund_pruned_insert BEFORE INSERT ON refund_pruned BEGIN
            SELECT RAISE(ABORT, 'refund_pruned: append-only; leave id out') WHERE NEW.id <> -1;
            SELECT RAISE(ABORT, 'refund_pruned: retention prunes webhooks or ledger, of at least 7 days ago')
                WHERE NOT (NEW.what IS 'webhooks' OR NEW.what IS 'ledger') OR typeof(NEW.at) <> 'integer'
                OR typeof(NEW.until) <> 'integer' OR NEW.until > NEW.at - 604800000 OR ifnull(trim(NEW.actor), '') = '';
        END;
        CREATE TRIGGER refund_pruned_inserted AFTER INSERT ON refund_pruned WHEN NEW.id < 1 BEGIN
            SELECT RAISE(ABORT, 'refund_pruned: append-only; leave id out');
        END;
        CREATE TRIGGER refund_pruned_update BEFORE UPDATE ON refund_pruned BEGIN
            SELECT RAISE(ABORT, 'refund_pruned: append-only; a row is never changed');
        END;
        CREATE TRIGGER refund_pruned_delete BEFORE DELETE ON refund_pruned BEGIN
            SELECT RAISE(ABORT, 'refund_pruned: append-only; a row is never deleted');
        END;

        ALTER TABLE refund_outbox ADD COLUMN pruned_at INTEGER;
        CREATE INDEX refund_outbox_kept ON refund_outbox (position)
            WHERE pruned_at IS NULL AND refund_id IS NOT NULL AND state IN ('delivered', 'superseded');
        CREATE TRIGGER refund_outbox_unpruned BEFORE INSERT ON refund_outbox WHEN NEW.pruned_at IS NOT NULL BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: leave pruned_at out');
        END;
        CREATE TRIGGER refund_outbox_pruning BEFORE UPDATE OF pruned_at ON refund_outbox
        WHEN OLD.pruned_at IS NOT NEW.pruned_at BEGIN
            SELECT RAISE(ABORT,
                'refund_outbox: retention alone prunes, and only old webhooks of final refunds, neither pending nor dead')
                WHERE OLD.pruned_at IS NOT NULL OR NEW.pruned_at IS NULL OR NEW.leased_until IS NOT NULL
                OR OLD.state IS NOT NEW.state OR OLD.delivered_at IS NOT NEW.delivered_at
                OR NOT EXISTS (SELECT 1 FROM refund_pruned p JOIN refund_event_log e ON e.position = NEW.position
                JOIN refund_queue q ON q.id = NEW.refund_id
                WHERE p.id = (SELECT max(id) FROM refund_pruned) AND p.what = 'webhooks' AND p.at = NEW.pruned_at
                AND e.at <= p.until AND (q.state = 'settled' OR q.state = 'failed' OR q.state = 'abandoned')
                AND (NEW.state = 'superseded' OR NEW.state = 'delivered' AND typeof(NEW.delivered_at) = 'integer'
                AND NEW.delivered_at <= p.until));
        END;
        CREATE TRIGGER refund_outbox_pruned BEFORE UPDATE OF state ON refund_outbox
        WHEN OLD.pruned_at IS NOT NULL AND OLD.state IS NOT NEW.state BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: the body of this webhook was pruned; it is never sent again');
        END;

        DROP TRIGGER IF EXISTS refund_event_log_update;
        CREATE TRIGGER refund_event_log_update BEFORE UPDATE ON refund_event_log BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; an event is never changed')
                WHERE OLD.position IS NOT NEW.position OR OLD.at IS NOT NEW.at OR OLD.type IS NOT NEW.type
                OR OLD.refund_id IS NOT NEW.refund_id OR OLD.sequence IS NOT NEW.sequence
                OR OLD.gateway IS NOT NEW.gateway OR OLD.state IS NOT NEW.state OR NEW.body IS NOT ''
                OR NOT EXISTS (SELECT 1 FROM refund_outbox WHERE position = OLD.position AND pruned_at IS NOT NULL);
        END;
        """#

    /// A pruned refund leaves its numbers behind, so that the same refund is not enqueued, and reported, a second time.
    static let refunds = #"""
        CREATE TABLE refund_pruned_refunds (
            refund_id         INTEGER PRIMARY KEY,
            pruning           INTEGER NOT NULL,
            gateway           TEXT NOT NULL,
            merchant_no       TEXT,
            merchant_order_no TEXT,
            trans_no          TEXT,
            state             TEXT NOT NULL,
            created_at        INTEGER NOT NULL
        );
        CREATE INDEX refund_pruned_refunds_order ON refund_pruned_refunds (merchant_order_no)
            WHERE merchant_order_no IS NOT NULL;
        CREATE INDEX refund_pruned_refunds_trans ON refund_pruned_refunds (trans_no) WHERE trans_no IS NOT NULL;
        CREATE TRIGGER refund_pruned_refunds_insert BEFORE INSERT ON refund_pruned_refunds BEGIN
            SELECT RAISE(ABORT, 'refund_pruned_refunds: append-only; a row is never replaced')
                WHERE EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = NEW.refund_id);
            SELECT RAISE(ABORT, 'refund_pruned_refunds: retention alone prunes, and only an old refund that is final')
                WHERE NOT EXISTS (SELECT 1 FROM refund_queue q JOIN refund_pruned p ON p.id = NEW.pruning
                WHERE q.id = NEW.refund_id AND q.gateway IS NEW.gateway AND q.merchant_no IS NEW.merchant_no
                AND q.merchant_order_no IS NEW.merchant_order_no AND q.trans_no IS NEW.trans_no
                AND q.state IS NEW.state AND q.created_at IS NEW.created_at
                AND (q.state = 'settled' OR q.state = 'failed' OR q.state = 'abandoned')
                AND q.attention IS NULL AND q.leased_until IS NULL
                AND p.what = 'ledger' AND p.id = (SELECT max(id) FROM refund_pruned)
                AND NOT EXISTS (SELECT 1 FROM refund_transitions WHERE refund_id = q.id AND at > p.until)
                AND NOT EXISTS (SELECT 1 FROM refund_event_log WHERE refund_id = q.id AND at > p.until)
                AND NOT EXISTS (SELECT 1 FROM refund_outbox WHERE refund_id = q.id AND (leased_until IS NOT NULL
                OR state <> 'superseded' AND (state <> 'delivered' OR typeof(delivered_at) <> 'integer'
                OR delivered_at > p.until))));
        END;
        CREATE TRIGGER refund_pruned_refunds_update BEFORE UPDATE ON refund_pruned_refunds BEGIN
            SELECT RAISE(ABORT, 'refund_pruned_refunds: append-only; a row is never changed');
        END;
        CREATE TRIGGER refund_pruned_refunds_delete BEFORE DELETE ON refund_pruned_refunds BEGIN
            SELECT RAISE(ABORT, 'refund_pruned_refunds: append-only; a row is never deleted');
        END;

        CREATE TRIGGER refund_queue_pruned BEFORE INSERT ON refund_queue BEGIN
            SELECT RAISE(ABORT, 'refund_queue: this refund was finished and pruned long ago; \#
        its numbers are in refund_pruned_refunds, and are not used again')
                WHERE EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE merchant_order_no = NEW.merchant_order_no
                AND gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
                AND state <> 'abandoned')
                OR EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE trans_no = NEW.trans_no
                AND gateway = NEW.gateway AND ifnull(merchant_no, '') = ifnull(NEW.merchant_no, '')
                AND state <> 'abandoned');
        END;
        """#

    /// The messages are those of the first schema: nobody but retention gets past them.
    ///
    /// No trigger counts deleted rows: what somebody deletes past the guards makes `refund_counts` wrong.
    static let deletes = #"""
        DROP TRIGGER IF EXISTS refund_queue_delete;
        CREATE TRIGGER refund_queue_delete BEFORE DELETE ON refund_queue BEGIN
            SELECT RAISE(ABORT, 'refund_queue: a refund is never deleted; run refundd abandon to stop polling')
                WHERE NOT EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = OLD.id);
        END;
        DROP TRIGGER IF EXISTS refund_transitions_delete;
        CREATE TRIGGER refund_transitions_delete BEFORE DELETE ON refund_transitions BEGIN
            SELECT RAISE(ABORT, 'refund_transitions: append-only; a row is never deleted')
                WHERE NOT EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = OLD.refund_id);
        END;
        DROP TRIGGER IF EXISTS refund_event_log_delete;
        CREATE TRIGGER refund_event_log_delete BEFORE DELETE ON refund_event_log BEGIN
            SELECT RAISE(ABORT, 'refund_event_log: append-only; an event is never deleted')
                WHERE NOT EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = OLD.refund_id);
        END;
        DROP TRIGGER IF EXISTS refund_outbox_delete;
        CREATE TRIGGER refund_outbox_delete BEFORE DELETE ON refund_outbox BEGIN
            SELECT RAISE(ABORT, 'refund_outbox: a webhook is never deleted')
                WHERE NOT EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = OLD.refund_id);
        END;
        DROP TRIGGER IF EXISTS refund_outbox_attempts_delete;
        CREATE TRIGGER refund_outbox_attempts_delete BEFORE DELETE ON refund_outbox_attempts BEGIN
            SELECT RAISE(ABORT, 'refund_outbox_attempts: append-only; a row is never deleted')
                WHERE NOT EXISTS (SELECT 1 FROM refund_outbox o WHERE o.position = OLD.position
                AND (o.pruned_at IS NOT NULL
                OR EXISTS (SELECT 1 FROM refund_pruned_refunds WHERE refund_id = o.refund_id)));
        END;
        """#
}
