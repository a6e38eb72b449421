-- Payouts by the hundred thousand: a batch says how many come and what they come to, and its parts bring them, each in one
-- transaction. What the merchant signed of a part is kept once, sealed, and its rows refer to it.

CREATE TABLE ngome.payout_batches (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^pbt_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- The merchant's own name of it.
  reference text COLLATE "C" NOT NULL CHECK (reference ~ '^[A-Za-z0-9._:-]{1,64}$'),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  declared_count integer NOT NULL CHECK (declared_count BETWEEN 1 AND 1000000),
  declared_minor bigint NOT NULL CHECK (declared_minor > 0),
  accepted_count integer NOT NULL DEFAULT 0 CHECK (accepted_count BETWEEN 0 AND declared_count),
  accepted_minor bigint NOT NULL DEFAULT 0 CHECK (accepted_minor BETWEEN 0 AND declared_minor),
  api_key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  PRIMARY KEY (merchant, world, id)
);
CALL ngome.classify('ngome.payout_batches', 'internal', '{id,merchant,world,reference,currency,declared_count,declared_minor,accepted_count,
  accepted_minor,api_key,created_at,updated_at,cancelled_at}');
ALTER TABLE ngome.payout_batches ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_batches TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_batches FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY parts_count ON ngome.payout_batches TO ngome_migrator USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (id, merchant, world, reference, currency, declared_count, declared_minor, api_key, created_at, updated_at),
  UPDATE (cancelled_at, updated_at) ON ngome.payout_batches TO ngome_gateway;
GRANT SELECT ON ngome.payout_batches TO ngome_dispatcher, ngome_auditor;

-- What was declared stays; what was cancelled stays cancelled.
CREATE FUNCTION ngome.guard_payout_batch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.merchant, NEW.world, NEW.reference, NEW.currency, NEW.declared_count, NEW.declared_minor, NEW.api_key, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.reference, OLD.currency, OLD.declared_count, OLD.declared_minor, OLD.api_key, OLD.created_at)
    OR NEW.accepted_count < OLD.accepted_count OR NEW.accepted_minor < OLD.accepted_minor
    OR OLD.cancelled_at IS NOT NULL AND (NEW.cancelled_at, NEW.accepted_count) IS DISTINCT FROM (OLD.cancelled_at, OLD.accepted_count) THEN
    RAISE EXCEPTION 'a batch stays what was declared, and cancelled once it was' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.payout_batches FOR EACH ROW EXECUTE FUNCTION ngome.guard_payout_batch();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.payout_batches FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

CREATE TABLE ngome.payout_batch_parts (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^pbp_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  batch text COLLATE "C" NOT NULL,
  -- The merchant's number of it.
  number integer NOT NULL CHECK (number BETWEEN 1 AND 1000000),
  -- The signature of the request that brought it, and its body.
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 67584),
  data_key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, id),
  CONSTRAINT payout_batch_parts_once UNIQUE (merchant, world, batch, number),
  FOREIGN KEY (merchant, world, batch) REFERENCES ngome.payout_batches (merchant, world, id),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id)
);
CALL ngome.classify('ngome.payout_batch_parts', 'internal', '{id,merchant,world,batch,number,data_key,created_at}');
CALL ngome.classify('ngome.payout_batch_parts', 'restricted', '{sealed}');
ALTER TABLE ngome.payout_batch_parts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_batch_parts TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_batch_parts FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY parts_count ON ngome.payout_batch_parts FOR SELECT TO ngome_migrator USING (true);
GRANT INSERT, SELECT (id, merchant, world, batch, number, created_at) ON ngome.payout_batch_parts TO ngome_gateway;
GRANT SELECT ON ngome.payout_batch_parts TO ngome_dispatcher, ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_batch_parts FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Which payout each row of a batch became. A reference names one row of its batch.
CREATE TABLE ngome.payout_batch_rows (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  batch text COLLATE "C" NOT NULL,
  reference text COLLATE "C" NOT NULL,
  part text COLLATE "C" NOT NULL,
  payment text COLLATE "C" NOT NULL,
  CONSTRAINT payout_batch_rows_once PRIMARY KEY (merchant, world, batch, reference),
  UNIQUE (merchant, world, payment),
  FOREIGN KEY (merchant, world, part) REFERENCES ngome.payout_batch_parts (merchant, world, id),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CREATE INDEX payout_batch_rows_of_part ON ngome.payout_batch_rows (merchant, world, part, payment);
CREATE INDEX payout_batch_rows_listed ON ngome.payout_batch_rows (merchant, world, batch, payment);
CALL ngome.classify('ngome.payout_batch_rows', 'internal', '{merchant,world,batch,reference,part,payment}');
ALTER TABLE ngome.payout_batch_rows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_batch_rows TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_batch_rows FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY parts_count ON ngome.payout_batch_rows FOR SELECT TO ngome_migrator USING (true);
GRANT SELECT, INSERT ON ngome.payout_batch_rows TO ngome_gateway;
GRANT SELECT ON ngome.payout_batch_rows TO ngome_dispatcher, ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_batch_rows FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Counts a part into its batch, last in the part's own transaction: what was declared is never passed, and met exactly by the row that
-- makes it whole. Counts what was written, whatever the caller believes.
CREATE FUNCTION ngome.take_payout_part(of_part text, taken_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  batch record;
  came record;
BEGIN
  SELECT b.* INTO batch FROM ngome.payout_batch_parts p JOIN ngome.payout_batches b ON (b.merchant, b.world, b.id) = (p.merchant, p.world, p.batch)
    WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = of_part
    -- Its parts refer to it: a lock that they do not wait for.
    FOR NO KEY UPDATE OF b;
  IF batch IS NULL OR batch.cancelled_at IS NOT NULL THEN
    RAISE EXCEPTION 'no batch takes this part' USING ERRCODE = 'NG471';
  END IF;
  SELECT count(*)::integer AS rows, coalesce(sum(m.amount_minor), 0)::bigint AS minor,
      bool_and(r.batch = batch.id AND r.reference = m.reference AND m.direction = 'payout' AND m.currency = batch.currency) AS is_fit INTO came
    FROM ngome.payout_batch_rows r JOIN ngome.payments m ON (m.merchant, m.world, m.id) = (r.merchant, r.world, r.payment)
    WHERE r.merchant = of_merchant AND r.world = of_world AND r.part = of_part;
  IF NOT coalesce(came.is_fit, false) THEN
    RAISE EXCEPTION 'rows that are not of this batch' USING ERRCODE = 'NG001';
  END IF;
  IF batch.accepted_count + came.rows > batch.declared_count OR batch.accepted_minor + came.minor > batch.declared_minor
    OR (batch.accepted_count + came.rows = batch.declared_count) <> (batch.accepted_minor + came.minor = batch.declared_minor) THEN
    RAISE EXCEPTION 'another count or total was declared' USING ERRCODE = 'NG472';
  END IF;
  UPDATE ngome.payout_batches b SET accepted_count = b.accepted_count + came.rows, accepted_minor = b.accepted_minor + came.minor, updated_at = taken_at
    WHERE b.merchant = of_merchant AND b.world = of_world AND b.id = batch.id;
END $$;
GRANT EXECUTE ON FUNCTION ngome.take_payout_part TO ngome_gateway;

-- Which body the dispatcher once took for a part, and what its rows come to as it was signed: a part that was signed twice, as a client's
-- repetition is, is still one. What a batch comes to is held against the limit of one person's word by these, whatever was declared.
CREATE TABLE ngome.payout_part_words (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  batch text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  -- SHA-256 of the body.
  digest bytea NOT NULL CHECK (length(digest) = 32),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  total_minor bigint NOT NULL CHECK (total_minor > 0),
  at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, batch, number)
);
CALL ngome.classify('ngome.payout_part_words', 'internal', '{merchant,world,batch,number,digest,currency,total_minor,at}');
ALTER TABLE ngome.payout_part_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_part_words TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_part_words FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT ON ngome.payout_part_words TO ngome_dispatcher;
GRANT SELECT ON ngome.payout_part_words TO ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_part_words FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Refuses a transfer that is not its document's share, an end without its begin or against its document's state, and to give back what is
-- not owed: as before, but for what is taken, which the trigger after it looks at.
CREATE OR REPLACE FUNCTION ngome.guard_transfer_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rule record;
  totals record;
BEGIN
  IF NEW.payment IS NOT NULL THEN
    SELECT s.transfers AS phase, k.needs_debt INTO rule
      FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
      WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment AND k.kind = NEW.kind AND p.currency = NEW.currency
        AND NEW.amount_minor = CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END;
  ELSE
    -- These do not wait for anybody: begin and end come together.
    SELECT CASE NEW.phase WHEN 'pending' THEN 'pending' ELSE 'posted' END AS phase, k.needs_debt INTO rule
      FROM ngome.transfer_kinds k
      WHERE k.kind = NEW.kind AND (
        k.document = 'settlement' AND EXISTS (SELECT FROM ngome.settlements s
          WHERE s.merchant = NEW.merchant AND s.world = NEW.world AND s.id = NEW.settlement AND s.currency = NEW.currency
            AND s.amount_minor = NEW.amount_minor
            AND k.kind = CASE s.state WHEN 'created' THEN 'settlement' WHEN 'paid' THEN 'settlement_paid' ELSE 'settlement_returned' END)
        OR k.document = 'adjustment' AND EXISTS (SELECT FROM ngome.adjustments a
          WHERE a.merchant = NEW.merchant AND a.world = NEW.world AND a.id = NEW.adjustment AND a.currency = NEW.currency
            AND a.amount_minor = NEW.amount_minor AND a.kind = NEW.kind
            AND NOT EXISTS (SELECT FROM ngome.accounts c WHERE c.id IN (NEW.debit_account, NEW.credit_account) AND c.network NOT IN ('', a.network))));
  END IF;
  IF rule IS NULL THEN
    RAISE EXCEPTION 'its document moves no such share' USING ERRCODE = 'NG001';
  END IF;
  IF rule.phase <> NEW.phase THEN
    RAISE EXCEPTION 'its document stands otherwise' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.phase <> 'pending' THEN
    PERFORM FROM ngome.transfers t WHERE t.merchant = NEW.merchant AND t.world = NEW.world
      AND t.document = coalesce(NEW.payment, NEW.settlement, NEW.adjustment)
      AND t.kind = NEW.kind AND NOT t.is_end AND t.debit_account = NEW.debit_account AND t.credit_account = NEW.credit_account;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'nothing of this kind waits for its end' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF rule.needs_debt THEN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
    PERFORM FROM ngome.account_sums s WHERE s.account = NEW.credit_account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(NEW.credit_account);
    IF totals IS NULL OR totals.posted_out - totals.posted_in - totals.pending_in < NEW.amount_minor THEN
      RAISE EXCEPTION 'less is owed than this gives back' USING ERRCODE = 'NG007';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- What is taken is held against what is there once for each statement, however many rows it writes: a part of a batch is one statement.
-- Whoever takes holds the account's row until the commit, so that two who take see each other; the sum has what was just written.
CREATE FUNCTION ngome.guard_transfer_cover() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  taken_from text;
  totals record;
BEGIN
  FOR taken_from IN SELECT DISTINCT t.debit_account FROM began t JOIN ngome.transfer_kinds k ON k.kind = t.kind
      WHERE t.phase = 'pending' AND k.needs_cover ORDER BY t.debit_account LOOP
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
    PERFORM FROM ngome.account_sums s WHERE s.account = taken_from FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(taken_from);
    IF totals IS NULL OR totals.posted_in - totals.posted_out - totals.pending_out < 0 THEN
      RAISE EXCEPTION 'less is there than this takes' USING ERRCODE = 'NG007';
    END IF;
    IF totals.came_since > 256 THEN
      PERFORM ngome.add_up_account(taken_from);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER guard_cover AFTER INSERT ON ngome.transfers REFERENCING NEW TABLE AS began
  FOR EACH STATEMENT EXECUTE FUNCTION ngome.guard_transfer_cover();
