-- Who asked for the approval of a payout, and who gave or refused it.

CREATE TABLE ngome.payout_approvals (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL CHECK (payment ~ '^pyt_[0-7][0-9a-z]{25}$'),
  decision text COLLATE "C" NOT NULL CHECK (decision IN ('asked', 'approved', 'refused')),
  is_answer boolean GENERATED ALWAYS AS (decision <> 'asked') STORED,
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  -- The first of the keys that this one was rolled from: a roll makes nobody another person.
  key_line text COLLATE "C" NOT NULL CHECK (key_line ~ '^key_[0-7][0-9a-z]{25}$'),
  signing_key text COLLATE "C" NOT NULL,
  -- Of an approval: the request as it was signed, which the dispatcher proves again. It holds what every list shows, and no number.
  base text CHECK (length(base) <= 4096),
  signature text CHECK (length(signature) <= 1024),
  body text CHECK (length(body) <= 1024),
  at timestamptz NOT NULL,
  -- One question and one answer, for ever.
  PRIMARY KEY (merchant, world, payment, is_answer),
  CHECK ((decision = 'approved') = (base IS NOT NULL AND signature IS NOT NULL AND body IS NOT NULL)),
  CHECK (num_nulls(base, signature, body) IN (0, 3)),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.payout_approvals', 'internal',
  '{merchant,world,payment,decision,is_answer,api_key,key_line,signing_key,base,signature,body,at}');
ALTER TABLE ngome.payout_approvals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_asks ON ngome.payout_approvals TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY tenant_reads ON ngome.payout_approvals FOR SELECT TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_approvals FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT (merchant, world, payment, decision, api_key, key_line, signing_key, base, signature, body, at)
  ON ngome.payout_approvals TO ngome_gateway;
GRANT SELECT ON ngome.payout_approvals TO ngome_dispatcher, ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_approvals FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Only what waits is asked for and answered, and nobody answers himself.
CREATE FUNCTION ngome.guard_approval() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ngome.payments p WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment
      AND p.direction = 'payout' AND p.status = 'awaiting_approval') THEN
    RAISE EXCEPTION 'nothing waits for an approval here' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.decision <> 'asked' AND NOT EXISTS (SELECT FROM ngome.payout_approvals a WHERE a.merchant = NEW.merchant AND a.world = NEW.world
      AND a.payment = NEW.payment AND a.decision = 'asked' AND a.key_line <> NEW.key_line AND a.signing_key <> NEW.signing_key) THEN
    RAISE EXCEPTION 'whoever asked answers nothing' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ngome.payout_approvals FOR EACH ROW EXECUTE FUNCTION ngome.guard_approval();

-- What nobody answered in time, of all tenants, the oldest first.
CREATE INDEX payments_unapproved ON ngome.payments (created_at) WHERE status = 'awaiting_approval';
CREATE FUNCTION ngome.find_unapproved_payouts(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.merchant, p.world, p.id FROM ngome.payments p
  WHERE p.status = 'awaiting_approval' AND p.created_at < now() - older_than
  ORDER BY p.created_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_unapproved_payouts TO ngome_dispatcher;
