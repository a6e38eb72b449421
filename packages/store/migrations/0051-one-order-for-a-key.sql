-- What of a merchant's word counts once: the key of repetition that it covers, and no more the bytes that were signed. A client that
-- repeats a request signs it anew, and whoever provokes the repetition holds two valid words for one order.

ALTER TABLE ngome.payment_authorizations
  DROP CONSTRAINT payment_authorizations_pkey,
  DROP CONSTRAINT payment_authorizations_merchant_world_payment_key,
  ADD PRIMARY KEY (merchant, world, payment),
  -- When it was signed, of a word that may be said of another order later; of any other none.
  ADD COLUMN spoken_at timestamptz;
CALL ngome.classify('ngome.payment_authorizations', 'internal', '{spoken_at}');
CREATE INDEX payment_authorizations_words ON ngome.payment_authorizations (merchant, world, digest);

-- A word is one payment's. One that was signed at least 29 days from another is another: the gateway forgets keys of repetition after
-- 30 days, and what is said of one may be some minutes old.
CREATE FUNCTION ngome.guard_authorization() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'whoever counts a word must see what was counted before' USING ERRCODE = 'NG001';
  END IF;
  -- Until the commit, so that two who count one word see each other.
  PERFORM pg_advisory_xact_lock(hashtextextended(NEW.merchant || '/' || NEW.world || '/' || encode(NEW.digest, 'hex'), 51));
  IF EXISTS (SELECT FROM ngome.payment_authorizations a
      WHERE a.merchant = NEW.merchant AND a.world = NEW.world AND a.digest = NEW.digest AND a.payment <> NEW.payment
        AND (a.spoken_at IS NULL OR NEW.spoken_at IS NULL
          OR NEW.spoken_at > a.spoken_at - interval '29 days' AND NEW.spoken_at < a.spoken_at + interval '29 days')) THEN
    RAISE EXCEPTION 'counted for another payment' USING ERRCODE = 'unique_violation', CONSTRAINT = 'payment_authorizations_once';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ngome.payment_authorizations FOR EACH ROW EXECUTE FUNCTION ngome.guard_authorization();
