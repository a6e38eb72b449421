-- Sessions of the hosted checkout, and the payments that payers were asked for through their links.

CREATE TABLE ngome.checkout_sessions (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^cos_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- SHA-256 of the link's token, which is nowhere else: who reads this table cannot open a page.
  token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  -- Whose caps count when the payer pays.
  api_key text COLLATE "C" NOT NULL REFERENCES ngome.api_keys (id),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text NOT NULL CHECK (reference ~ '^[A-Za-z0-9._:-]{1,64}$'),
  networks text[] NOT NULL CHECK (cardinality(networks) BETWEEN 1 AND 12),
  -- Encrypted under the link itself; forgotten a month after the session's end.
  details bytea CHECK (length(details) BETWEEN 29 AND 4096),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  cancelled_at timestamptz,
  PRIMARY KEY (merchant, world, id)
);
CREATE INDEX checkout_sessions_with_details ON ngome.checkout_sessions (expires_at) WHERE details IS NOT NULL;
CALL ngome.classify('ngome.checkout_sessions', 'internal', '{id,merchant,world,token_hash,api_key,currency,amount_minor,reference,
  networks,created_at,expires_at,cancelled_at}');
CALL ngome.classify('ngome.checkout_sessions', 'confidential', '{details}');
ALTER TABLE ngome.checkout_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.checkout_sessions TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.checkout_sessions FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY checkout_reads ON ngome.checkout_sessions FOR SELECT TO ngome_migrator USING (true);
CREATE POLICY checkout_locks ON ngome.checkout_sessions FOR UPDATE TO ngome_migrator USING (true) WITH CHECK (true);
GRANT SELECT (id, merchant, world, api_key, currency, amount_minor, reference, networks, created_at, expires_at, cancelled_at), INSERT
  ON ngome.checkout_sessions TO ngome_gateway;
GRANT UPDATE (cancelled_at) ON ngome.checkout_sessions TO ngome_gateway;
GRANT SELECT ON ngome.checkout_sessions TO ngome_auditor;

CREATE FUNCTION ngome.guard_checkout_session() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.id, NEW.merchant, NEW.world, NEW.token_hash, NEW.api_key, NEW.currency, NEW.amount_minor, NEW.reference, NEW.networks,
      NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.token_hash, OLD.api_key, OLD.currency, OLD.amount_minor, OLD.reference,
      OLD.networks, OLD.created_at, OLD.expires_at)
    OR NEW.details IS NOT NULL AND NEW.details IS DISTINCT FROM OLD.details
    OR OLD.cancelled_at IS NOT NULL AND NEW.cancelled_at IS DISTINCT FROM OLD.cancelled_at THEN
    RAISE EXCEPTION 'a session is cancelled or forgotten, not changed' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.checkout_sessions FOR EACH ROW EXECUTE FUNCTION ngome.guard_checkout_session();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.checkout_sessions FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

-- Each time that a payer was asked. The last of them is where things stand.
CREATE TABLE ngome.checkout_tries (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL,
  session text COLLATE "C" NOT NULL,
  try smallint NOT NULL CHECK (try BETWEEN 1 AND 5),
  payment text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, session, try),
  UNIQUE (merchant, world, payment),
  FOREIGN KEY (merchant, world, session) REFERENCES ngome.checkout_sessions (merchant, world, id),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.checkout_tries', 'internal', '{merchant,world,session,try,payment,at}');
ALTER TABLE ngome.checkout_tries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.checkout_tries TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.checkout_tries FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY checkout_reads ON ngome.checkout_tries FOR SELECT TO ngome_migrator USING (true);
GRANT SELECT, INSERT ON ngome.checkout_tries TO ngome_gateway;
GRANT SELECT ON ngome.checkout_tries TO ngome_auditor;
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.checkout_tries FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.checkout_tries FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();

-- At most one payment of a session succeeds: the next payer is asked only once the payment before came to nothing, for ever. Whoever
-- asks holds the session's row until the commit, so that two who ask at once see each other.
CREATE FUNCTION ngome.guard_checkout_try() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  session record;
  before record;
BEGIN
  SELECT * INTO session FROM ngome.checkout_sessions s
    WHERE s.merchant = NEW.merchant AND s.world = NEW.world AND s.id = NEW.session FOR UPDATE;
  IF NOT FOUND OR session.cancelled_at IS NOT NULL OR session.expires_at <= NEW.at THEN
    RAISE EXCEPTION 'the session is over' USING ERRCODE = 'NG036';
  END IF;
  SELECT t.try, p.status INTO before FROM ngome.checkout_tries t
    JOIN ngome.payments p ON p.merchant = t.merchant AND p.world = t.world AND p.id = t.payment
    WHERE t.merchant = NEW.merchant AND t.world = NEW.world AND t.session = NEW.session ORDER BY t.try DESC LIMIT 1;
  IF NEW.try <> coalesce(before.try, 0) + 1 OR before.status NOT IN ('failed', 'cancelled') THEN
    RAISE EXCEPTION 'another payment was asked for' USING ERRCODE = 'NG036';
  END IF;
  PERFORM FROM ngome.payments p WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment
    AND p.direction = 'collection' AND p.status = 'accepted' AND p.api_key = session.api_key AND p.currency = session.currency
    AND p.amount_minor = session.amount_minor AND p.reference = session.reference AND p.network = ANY (session.networks);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the payment is not what the session asks for' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT ON ngome.checkout_tries FOR EACH ROW EXECUTE FUNCTION ngome.guard_checkout_try();

-- The gateway must find a session before it knows whose it is. It gets one for a link that it was shown, and no way to list others.
CREATE FUNCTION ngome.find_checkout(of_hash bytea)
RETURNS TABLE (id text, merchant text, world text, merchant_name text, api_key text, currency text, amount_minor bigint, reference text,
  networks text[], details bytea, created_at timestamptz, expires_at timestamptz, cancelled_at timestamptz,
  try smallint, payment text, status text, failure text, network text, payer_masked text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.id, s.merchant, s.world, m.name, s.api_key, s.currency, s.amount_minor, s.reference, s.networks, s.details, s.created_at,
    s.expires_at, s.cancelled_at, last.try, last.payment, last.status, last.failure, last.network, last.payer_masked
  FROM ngome.checkout_sessions s JOIN ngome.merchants m ON m.id = s.merchant
  LEFT JOIN LATERAL (
    SELECT t.try, t.payment, p.status, p.failure, p.network, p.payer_masked FROM ngome.checkout_tries t
    JOIN ngome.payments p ON p.merchant = t.merchant AND p.world = t.world AND p.id = t.payment
    WHERE t.merchant = s.merchant AND t.world = s.world AND t.session = s.id ORDER BY t.try DESC LIMIT 1
  ) last ON true
  WHERE s.token_hash = of_hash
$$;
GRANT EXECUTE ON FUNCTION ngome.find_checkout TO ngome_gateway;

-- Forgets what a page said a month after its session's end, a bounded number at each call.
CREATE FUNCTION ngome.forget_checkout_details() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  forgotten integer;
BEGIN
  UPDATE ngome.checkout_sessions s SET details = NULL FROM (
    SELECT merchant, world, id FROM ngome.checkout_sessions
    WHERE details IS NOT NULL AND expires_at < now() - interval '30 days' LIMIT 10000
  ) old WHERE s.merchant = old.merchant AND s.world = old.world AND s.id = old.id;
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  RETURN forgotten;
END $$;
GRANT EXECUTE ON FUNCTION ngome.forget_checkout_details TO ngome_dispatcher;
