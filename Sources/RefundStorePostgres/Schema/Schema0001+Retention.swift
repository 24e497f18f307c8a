/// The first schema, continued: what retention removes, and the guards that let nothing else be removed.
///
/// This text is frozen. Retention first inserts a row into `refund_pruned`. Until the next one, that row allows exactly
/// what is final and older than its `until`: marking webhooks (`pruned_at`), or recording refunds in
/// `refund_pruned_refunds`. Only what is marked or recorded can be emptied or deleted.
extension Schema0001 {
    /// A pruned refund leaves its numbers behind, so that the same refund is not enqueued, and reported, a second time.
    ///
    /// No trigger counts deleted rows: what somebody deletes past the guards makes the counts wrong.
    static let retention = #"""
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
        """#
}
