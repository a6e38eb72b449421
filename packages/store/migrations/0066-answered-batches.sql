-- A batch of payouts knows whether it was answered, so that to look for those that nobody decided in time costs what is undecided, and no more
-- with each batch that ever was.

ALTER TABLE ngome.payout_batches ADD COLUMN is_answered boolean NOT NULL DEFAULT false;
CALL ngome.classify('ngome.payout_batches', 'internal', '{is_answered}');

-- As before, and an answer stays.
CREATE OR REPLACE FUNCTION ngome.guard_payout_batch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.merchant, NEW.world, NEW.reference, NEW.currency, NEW.declared_count, NEW.declared_minor, NEW.api_key, NEW.created_at, NEW.needs_approval)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.reference, OLD.currency, OLD.declared_count, OLD.declared_minor, OLD.api_key, OLD.created_at, OLD.needs_approval)
    OR NEW.accepted_count < OLD.accepted_count OR NEW.accepted_minor < OLD.accepted_minor OR OLD.is_answered AND NOT NEW.is_answered
    OR OLD.cancelled_at IS NOT NULL AND (NEW.cancelled_at, NEW.accepted_count) IS DISTINCT FROM (OLD.cancelled_at, OLD.accepted_count) THEN
    RAISE EXCEPTION 'a batch stays what was declared, and cancelled once it was' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;

-- In the transaction of the answer, whoever gives it: no role of a process writes it.
CREATE FUNCTION ngome.note_batch_answer() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ngome.payout_batches b SET is_answered = true WHERE b.merchant = NEW.merchant AND b.world = NEW.world AND b.id = NEW.batch;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON ngome.payout_batch_approvals FOR EACH ROW WHEN (NEW.is_answer) EXECUTE FUNCTION ngome.note_batch_answer();

UPDATE ngome.payout_batches b SET is_answered = true
  WHERE EXISTS (SELECT FROM ngome.payout_batch_approvals a WHERE a.merchant = b.merchant AND a.world = b.world AND a.batch = b.id AND a.is_answer);

DROP INDEX ngome.payout_batches_decided;
CREATE INDEX payout_batches_undecided ON ngome.payout_batches (created_at) WHERE needs_approval AND NOT is_answered;

-- As before, by the mark.
CREATE OR REPLACE FUNCTION ngome.find_undecided_batches(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT b.merchant, b.world, b.id FROM ngome.payout_batches b
  WHERE b.needs_approval AND NOT b.is_answered AND b.created_at < now() - older_than
  ORDER BY b.created_at LIMIT least(at_most, 1000)
$$;
