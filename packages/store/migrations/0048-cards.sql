-- Payments by card: their mask, and what their payers have to do at their banks.

ALTER TABLE ngome.payments DROP CONSTRAINT payments_payer_masked_check,
  ADD CONSTRAINT payments_payer_masked_check CHECK (payer_masked ~ '^(\+[0-9]{1,3})?•••([0-9]{3})?$' OR payer_masked ~ '^•••• [0-9]{4}$');

-- Where the payer of a payment was sent, once: a second challenge would be another payment's, or somebody else's page.
CREATE TABLE ngome.payment_actions (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL,
  url text NOT NULL CHECK (length(url) <= 1024 AND url ~ '^https?://[!-~]+$'),
  at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, payment),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.payment_actions', 'internal', '{merchant,world,payment,url,at}');
ALTER TABLE ngome.payment_actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payment_actions TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payment_actions FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT ON ngome.payment_actions TO ngome_gateway, ngome_auditor;
GRANT SELECT, INSERT ON ngome.payment_actions TO ngome_dispatcher;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payment_actions FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

INSERT INTO ngome.event_types VALUES ('payment.requires_action', NULL, NULL, true);

-- Only what was sent and has no end waits for its payer, and each such thing is told. Holding the payment's row, so that events are
-- numbered one after another.
CREATE FUNCTION ngome.tell_payment_action() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  waiting record;
BEGIN
  SELECT p.direction, p.status INTO waiting FROM ngome.payments p
    WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment FOR NO KEY UPDATE;
  IF waiting IS NULL OR waiting.direction <> 'collection' OR waiting.status NOT IN ('processing', 'in_doubt') THEN
    RAISE EXCEPTION 'this payment waits for nobody' USING ERRCODE = 'NG001';
  END IF;
  PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.payment, 'payment.requires_action', NEW.at, jsonb_build_object(
    'status', waiting.status, 'failure', NULL, 'next_action', jsonb_build_object('type', 'redirect', 'url', NEW.url)), true);
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON ngome.payment_actions FOR EACH ROW EXECUTE FUNCTION ngome.tell_payment_action();
