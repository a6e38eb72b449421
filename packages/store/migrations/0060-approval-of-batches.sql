-- A batch over the limit of one person waits for a second one: its rows wait with their money reserved until it is whole and approved, refused,
-- or its time is over. What is approved is a list of the bodies of its parts.

ALTER TABLE ngome.payout_batches ADD COLUMN needs_approval boolean NOT NULL DEFAULT false;
CALL ngome.classify('ngome.payout_batches', 'internal', '{needs_approval}');
GRANT INSERT (needs_approval) ON ngome.payout_batches TO ngome_gateway;
CREATE INDEX payout_batches_decided ON ngome.payout_batches (created_at) WHERE needs_approval;

ALTER TABLE ngome.payout_batch_parts
  -- A MAC of the body, by a key that no database holds; parts that came before this have none.
  ADD COLUMN digest bytea CHECK (length(digest) = 32),
  -- By whose keys it came.
  ADD COLUMN key_line text COLLATE "C" CHECK (key_line ~ '^key_[0-7][0-9a-z]{25}$'),
  ADD COLUMN signing_key text COLLATE "C",
  ADD CONSTRAINT payout_batch_parts_signed CHECK (num_nulls(digest, key_line, signing_key) IN (0, 3));
CALL ngome.classify('ngome.payout_batch_parts', 'internal', '{digest,key_line,signing_key}');
GRANT SELECT (digest, key_line, signing_key) ON ngome.payout_batch_parts TO ngome_gateway;

-- Who opened such a batch, and who decided it.
CREATE TABLE ngome.payout_batch_approvals (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  batch text COLLATE "C" NOT NULL,
  -- `expired`: nobody decided it in time.
  decision text COLLATE "C" NOT NULL CHECK (decision IN ('asked', 'approved', 'refused', 'expired')),
  is_answer boolean GENERATED ALWAYS AS (decision <> 'asked') STORED,
  api_key text COLLATE "C" CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  key_line text COLLATE "C" CHECK (key_line ~ '^key_[0-7][0-9a-z]{25}$'),
  signing_key text COLLATE "C",
  -- Of an approval: the request as it was signed, which the dispatcher proves again. It holds what the batch shows, and no number.
  base text CHECK (length(base) <= 4096),
  signature text CHECK (length(signature) <= 1024),
  body text CHECK (length(body) <= 1024),
  at timestamptz NOT NULL,
  -- One question and one answer, for ever.
  PRIMARY KEY (merchant, world, batch, is_answer),
  CHECK (num_nulls(base, signature, body) = CASE decision WHEN 'approved' THEN 0 ELSE 3 END),
  CHECK (num_nulls(api_key, key_line, signing_key) = CASE decision WHEN 'expired' THEN 3 ELSE 0 END),
  FOREIGN KEY (merchant, world, batch) REFERENCES ngome.payout_batches (merchant, world, id)
);
CALL ngome.classify('ngome.payout_batch_approvals', 'internal',
  '{merchant,world,batch,decision,is_answer,api_key,key_line,signing_key,base,signature,body,at}');
CALL ngome.begin_statistics('ngome.payout_batch_approvals');
ALTER TABLE ngome.payout_batch_approvals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_reads ON ngome.payout_batch_approvals FOR SELECT TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
-- People decide by the gateway; that nobody did is the dispatcher's to say.
CREATE POLICY people_decide ON ngome.payout_batch_approvals FOR INSERT TO ngome_gateway WITH CHECK (
  merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true) AND decision <> 'expired');
CREATE POLICY time_decides ON ngome.payout_batch_approvals FOR INSERT TO ngome_dispatcher WITH CHECK (
  merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true) AND decision = 'expired');
CREATE POLICY auditor_reads ON ngome.payout_batch_approvals FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY guards_read ON ngome.payout_batch_approvals FOR SELECT TO ngome_migrator USING (true);
GRANT SELECT, INSERT (merchant, world, batch, decision, api_key, key_line, signing_key, base, signature, body, at)
  ON ngome.payout_batch_approvals TO ngome_gateway;
GRANT SELECT, INSERT (merchant, world, batch, decision, at) ON ngome.payout_batch_approvals TO ngome_dispatcher;
GRANT SELECT ON ngome.payout_batch_approvals TO ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_batch_approvals FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Asked for before its first row, decided once it is whole and by nobody who ordered any of it. Holds the batch, so that of a part that
-- comes, a cancellation and all who decide one is first.
CREATE FUNCTION ngome.guard_batch_approval() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  batch record;
BEGIN
  SELECT b.* INTO batch FROM ngome.payout_batches b WHERE b.merchant = NEW.merchant AND b.world = NEW.world AND b.id = NEW.batch FOR NO KEY UPDATE;
  IF batch IS NULL OR NOT batch.needs_approval THEN
    RAISE EXCEPTION 'nothing waits for an approval here' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.decision = 'asked' AND batch.accepted_count > 0 THEN
    RAISE EXCEPTION 'a batch asks before its first row' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.decision NOT IN ('approved', 'refused') THEN
    RETURN NEW;
  END IF;
  IF batch.accepted_count <> batch.declared_count OR batch.cancelled_at IS NOT NULL THEN
    RAISE EXCEPTION 'only a whole batch is decided' USING ERRCODE = 'NG001';
  END IF;
  IF NOT EXISTS (SELECT FROM ngome.payout_batch_approvals a WHERE a.merchant = NEW.merchant AND a.world = NEW.world AND a.batch = NEW.batch
      AND a.decision = 'asked' AND a.key_line <> NEW.key_line AND a.signing_key <> NEW.signing_key)
    OR EXISTS (SELECT FROM ngome.payout_batch_parts p WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.batch = NEW.batch
      AND (p.digest IS NULL OR p.key_line = NEW.key_line OR p.signing_key = NEW.signing_key)) THEN
    RAISE EXCEPTION 'whoever asked answers nothing' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ngome.payout_batch_approvals FOR EACH ROW EXECUTE FUNCTION ngome.guard_batch_approval();

-- As before, and whether it needs an approval stays too.
CREATE OR REPLACE FUNCTION ngome.guard_payout_batch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.merchant, NEW.world, NEW.reference, NEW.currency, NEW.declared_count, NEW.declared_minor, NEW.api_key, NEW.created_at, NEW.needs_approval)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.reference, OLD.currency, OLD.declared_count, OLD.declared_minor, OLD.api_key, OLD.created_at, OLD.needs_approval)
    OR NEW.accepted_count < OLD.accepted_count OR NEW.accepted_minor < OLD.accepted_minor
    OR OLD.cancelled_at IS NOT NULL AND (NEW.cancelled_at, NEW.accepted_count) IS DISTINCT FROM (OLD.cancelled_at, OLD.accepted_count) THEN
    RAISE EXCEPTION 'a batch stays what was declared, and cancelled once it was' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;

-- As before, and: rows wait where their batch needs an approval, and only there; their part says what was signed of it and by whom; and a batch
-- that was decided takes no more.
CREATE OR REPLACE FUNCTION ngome.take_payout_part(of_part text, taken_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  batch record;
  came record;
BEGIN
  SELECT b.*, p.digest IS NOT NULL AS is_signed INTO batch
    FROM ngome.payout_batch_parts p JOIN ngome.payout_batches b ON (b.merchant, b.world, b.id) = (p.merchant, p.world, p.batch)
    WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = of_part
    -- Its parts refer to it: a lock that they do not wait for.
    FOR NO KEY UPDATE OF b;
  IF batch IS NULL OR batch.cancelled_at IS NOT NULL OR batch.needs_approval AND EXISTS (
    SELECT FROM ngome.payout_batch_approvals a WHERE a.merchant = of_merchant AND a.world = of_world AND a.batch = batch.id AND a.is_answer) THEN
    RAISE EXCEPTION 'no batch takes this part' USING ERRCODE = 'NG471';
  END IF;
  SELECT count(*)::integer AS rows, coalesce(sum(m.amount_minor), 0)::bigint AS minor,
      bool_and(r.batch = batch.id AND r.reference = m.reference AND m.direction = 'payout' AND m.currency = batch.currency
        AND (m.status = 'awaiting_approval') = batch.needs_approval) AS is_fit INTO came
    FROM ngome.payout_batch_rows r CROSS JOIN LATERAL (
      SELECT p.reference, p.direction, p.currency, p.amount_minor, p.status FROM ngome.payments p
      WHERE p.merchant = r.merchant AND p.world = r.world AND p.id = r.payment OFFSET 0
    ) m
    WHERE r.merchant = of_merchant AND r.world = of_world AND r.part = of_part;
  IF NOT coalesce(came.is_fit, false) OR batch.needs_approval AND NOT batch.is_signed THEN
    RAISE EXCEPTION 'rows that are not of this batch' USING ERRCODE = 'NG001';
  END IF;
  IF batch.accepted_count + came.rows > batch.declared_count OR batch.accepted_minor + came.minor > batch.declared_minor
    OR (batch.accepted_count + came.rows = batch.declared_count) <> (batch.accepted_minor + came.minor = batch.declared_minor) THEN
    RAISE EXCEPTION 'another count or total was declared' USING ERRCODE = 'NG472';
  END IF;
  UPDATE ngome.payout_batches b SET accepted_count = b.accepted_count + came.rows, accepted_minor = b.accepted_minor + came.minor, updated_at = taken_at
    WHERE b.merchant = of_merchant AND b.world = of_world AND b.id = batch.id;
END $$;

-- Rows of a batch that was approved go on by the dispatcher, which proves the approval first.
INSERT INTO ngome.payment_transitions VALUES ('awaiting_approval', 'accepted', 'dispatcher');

-- As before, and: a row of a batch is let go on by the dispatcher alone, once its batch was approved, and by it nothing else is.
CREATE OR REPLACE FUNCTION ngome.guard_payment() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'accepted' AND (NEW.status <> 'awaiting_approval' OR NEW.direction = 'collection') THEN
      RAISE EXCEPTION 'a payment begins as accepted, or waits for an approval' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.direction, NEW.network, NEW.currency, NEW.amount_minor, NEW.fee_minor, NEW.reference,
      NEW.payer_masked, NEW.original, NEW.api_key, NEW.data_key, NEW.sealed, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.direction, OLD.network, OLD.currency, OLD.amount_minor, OLD.fee_minor,
      OLD.reference, OLD.payer_masked, OLD.original, OLD.api_key, OLD.data_key, OLD.sealed, OLD.created_at) THEN
    RAISE EXCEPTION 'only the status of a payment changes' USING ERRCODE = 'NG002';
  END IF;
  IF NOT EXISTS (
    SELECT FROM ngome.payment_transitions t WHERE t.from_status = OLD.status AND t.to_status = NEW.status
      AND (current_user NOT IN ('ngome_gateway', 'ngome_dispatcher') OR current_user = 'ngome_' || t.by_process)
  ) THEN
    RAISE EXCEPTION 'a payment cannot go from % to % by %', OLD.status, NEW.status, current_user USING ERRCODE = 'NG001';
  END IF;
  IF OLD.status = 'awaiting_approval' AND NEW.status = 'accepted' AND (
    current_user = 'ngome_gateway' AND EXISTS (
      SELECT FROM ngome.payout_batch_rows r WHERE r.merchant = NEW.merchant AND r.world = NEW.world AND r.payment = NEW.id)
    OR current_user = 'ngome_dispatcher' AND NOT EXISTS (
      SELECT FROM ngome.payout_batch_rows r
        JOIN ngome.payout_batch_approvals a ON (a.merchant, a.world, a.batch) = (r.merchant, r.world, r.batch) AND a.decision = 'approved'
      WHERE r.merchant = NEW.merchant AND r.world = NEW.world AND r.payment = NEW.id)
  ) THEN
    RAISE EXCEPTION 'this payout is not let go on by %', current_user USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;

-- Batches that nobody decided in time, of all tenants, the oldest first; those that were cancelled too, of which rows may still wait.
CREATE FUNCTION ngome.find_undecided_batches(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT b.merchant, b.world, b.id FROM ngome.payout_batches b
  WHERE b.needs_approval AND b.created_at < now() - older_than
    AND NOT EXISTS (SELECT FROM ngome.payout_batch_approvals a WHERE a.merchant = b.merchant AND a.world = b.world AND a.batch = b.id AND a.is_answer)
  ORDER BY b.created_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_undecided_batches TO ngome_dispatcher;

-- As before, without rows of batches: these end with theirs.
CREATE OR REPLACE FUNCTION ngome.find_unapproved_payouts(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.merchant, p.world, p.id FROM ngome.payments p
  WHERE p.status = 'awaiting_approval' AND p.created_at < now() - older_than
    AND NOT EXISTS (SELECT FROM ngome.payout_batch_rows r WHERE r.merchant = p.merchant AND r.world = p.world AND r.payment = p.id)
  ORDER BY p.created_at LIMIT least(at_most, 1000)
$$;
