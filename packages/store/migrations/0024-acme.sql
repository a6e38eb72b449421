-- Certificates by ACME (RFC 8555): what a gateway orders, how far the dispatcher is with it, and what an authority asks for
-- to see that a name is ours. No row holds a secret: the certificate's key stays in its gateway, the account's in the dispatcher.

CREATE TABLE ngome.acme_orders (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^aco_[0-7][0-9a-z]{25}$'),
  -- The gateway's folder, whose key the certificate is for; processes that follow each other in it have the same.
  instance text COLLATE "C" NOT NULL CHECK (instance ~ '^gwi_[0-7][0-9a-z]{25}$'),
  names text[] COLLATE "C" NOT NULL CHECK (cardinality(names) BETWEEN 1 AND 32 AND length(names::text) <= 9000),
  -- PKCS #10, PEM.
  csr text COLLATE "C" NOT NULL CHECK (length(csr) BETWEEN 100 AND 16384),
  state text COLLATE "C" NOT NULL DEFAULT 'requested'
    CHECK (state IN ('requested', 'ordered', 'issued', 'installed', 'failed', 'refused', 'withdrawn')),
  requested_at timestamptz NOT NULL,
  -- By the database's clock, for the bound below.
  created_at timestamptz NOT NULL DEFAULT now(),
  -- When the dispatcher looks at it next. It takes an order by moving this ahead: who dies with one gives it back so.
  due_at timestamptz NOT NULL,
  account text COLLATE "C" CHECK (length(account) <= 2048),
  order_url text COLLATE "C" CHECK (length(order_url) <= 2048),
  ordered_at timestamptz,
  -- Failures, and the last one: the problem's type and the authority's words for it.
  tries integer NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 1000000),
  problem text COLLATE "C" CHECK (problem ~ '^[a-zA-Z0-9:._/-]{1,128}$'),
  detail text CHECK (length(detail) <= 1024),
  -- PEM, the leaf first, as it came from the authority.
  chain text COLLATE "C" CHECK (length(chain) <= 65536),
  -- When the authority would have it renewed (RFC 9773), and when to ask it again.
  renew_at timestamptz,
  renewal_due_at timestamptz,
  -- When the operator asked for another certificate now.
  renewal_asked_at timestamptz,
  refusal text COLLATE "C" CHECK (refusal ~ '^[a-z_]{1,32}$'),
  ended_at timestamptz,
  CHECK ((state IN ('issued', 'installed', 'refused')) <= (chain IS NOT NULL)),
  CHECK ((state = 'refused') = (refusal IS NOT NULL)),
  CHECK ((state IN ('installed', 'failed', 'refused', 'withdrawn')) = (ended_at IS NOT NULL))
);
-- A folder has one order at a time: two processes in it, while one replaces the other, follow the same.
CREATE UNIQUE INDEX acme_orders_open ON ngome.acme_orders (instance) WHERE state IN ('requested', 'ordered', 'issued');
CREATE INDEX acme_orders_due ON ngome.acme_orders (due_at) WHERE state IN ('requested', 'ordered');
CREATE INDEX acme_orders_of ON ngome.acme_orders (instance, requested_at);
CREATE INDEX acme_orders_made ON ngome.acme_orders (created_at);
CALL ngome.classify('ngome.acme_orders', 'internal', '{id,instance,names,csr,state,requested_at,created_at,due_at,account,order_url,
  ordered_at,tries,problem,detail,renew_at,renewal_due_at,renewal_asked_at,refusal,ended_at}');
CALL ngome.classify('ngome.acme_orders', 'public', '{chain}');
ALTER TABLE ngome.acme_orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON ngome.acme_orders FOR SELECT TO ngome_gateway, ngome_dispatcher, ngome_operator, ngome_auditor USING (true);
-- Each writes the states that are its own to say.
CREATE POLICY gateway_orders ON ngome.acme_orders FOR INSERT TO ngome_gateway WITH CHECK (state = 'requested');
CREATE POLICY gateway_ends ON ngome.acme_orders FOR UPDATE TO ngome_gateway USING (true)
  WITH CHECK (state IN ('installed', 'refused', 'withdrawn'));
CREATE POLICY dispatcher_works ON ngome.acme_orders FOR UPDATE TO ngome_dispatcher
  USING (state IN ('requested', 'ordered', 'installed')) WITH CHECK (state IN ('requested', 'ordered', 'issued', 'failed', 'installed'));
CREATE POLICY operator_asks ON ngome.acme_orders FOR UPDATE TO ngome_operator USING (true) WITH CHECK (true);
CREATE POLICY housekeeping_reads ON ngome.acme_orders FOR SELECT TO ngome_migrator USING (true);
CREATE POLICY housekeeping_deletes ON ngome.acme_orders FOR DELETE TO ngome_migrator USING (ended_at <= now() - interval '500 days');
GRANT SELECT, INSERT (id, instance, names, csr, requested_at, due_at), UPDATE (state, refusal, ended_at) ON ngome.acme_orders TO ngome_gateway;
GRANT SELECT, UPDATE (state, due_at, account, order_url, ordered_at, tries, problem, detail, chain, renew_at, renewal_due_at, ended_at)
  ON ngome.acme_orders TO ngome_dispatcher;
GRANT SELECT, UPDATE (renewal_asked_at, due_at) ON ngome.acme_orders TO ngome_operator;
GRANT SELECT ON ngome.acme_orders TO ngome_auditor;

-- Sixty-four a day of all gateways together: a stolen gateway cannot spend what an authority grants us for much longer.
CREATE FUNCTION ngome.guard_acme_order() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF (SELECT count(*) FROM ngome.acme_orders WHERE created_at > now() - interval '1 day') >= 64 THEN
      RAISE EXCEPTION 'too many orders in a day' USING ERRCODE = 'NG005';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.instance, NEW.names, NEW.csr, NEW.requested_at, NEW.created_at) IS DISTINCT FROM
      (OLD.id, OLD.instance, OLD.names, OLD.csr, OLD.requested_at, OLD.created_at)
    OR (OLD.chain IS NOT NULL AND NEW.chain IS DISTINCT FROM OLD.chain) THEN
    RAISE EXCEPTION 'what was ordered and what was issued does not change' USING ERRCODE = 'NG002';
  END IF;
  IF NEW.state <> OLD.state AND NOT (
    OLD.state = 'requested' AND NEW.state IN ('ordered', 'failed', 'withdrawn')
    OR OLD.state = 'ordered' AND NEW.state IN ('requested', 'issued', 'failed', 'withdrawn')
    OR OLD.state = 'issued' AND NEW.state IN ('installed', 'refused', 'withdrawn')
  ) THEN
    RAISE EXCEPTION 'an order cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.acme_orders FOR EACH ROW EXECUTE FUNCTION ngome.guard_acme_order();

CREATE TABLE ngome.acme_challenges (
  -- RFC 8555 §8.3: base64url of 128 bits or more. It becomes a part of a path.
  token text COLLATE "C" PRIMARY KEY CHECK (token ~ '^[A-Za-z0-9_-]{22,128}$'),
  order_id text COLLATE "C" NOT NULL REFERENCES ngome.acme_orders (id) ON DELETE CASCADE,
  -- The name that the authority asks under.
  name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z0-9.:-]{1,253}$'),
  -- RFC 8555 §8.1: the token and the thumbprint of the account's key.
  key_authorization text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (key_authorization ~ '^[A-Za-z0-9_-]{22,128}[.][A-Za-z0-9_-]{43}$' AND starts_with(key_authorization, token || '.'))
);
CREATE INDEX acme_challenges_of ON ngome.acme_challenges (order_id);
CALL ngome.classify('ngome.acme_challenges', 'public', '{token,order_id,name,key_authorization,created_at}');
-- No row-level security: they are of no tenant, and every gateway answers every one, since the authority may ask any of them.
GRANT SELECT ON ngome.acme_challenges TO ngome_gateway, ngome_operator, ngome_auditor;
GRANT SELECT, INSERT, DELETE ON ngome.acme_challenges TO ngome_dispatcher;

-- Removes what is of no more use, a bounded number at each call.
CREATE FUNCTION ngome.purge_acme() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM ngome.acme_challenges WHERE created_at <= now() - interval '1 day';
  DELETE FROM ngome.acme_orders WHERE id IN (
    SELECT id FROM ngome.acme_orders WHERE ended_at <= now() - interval '500 days' ORDER BY ended_at LIMIT 1000
  );
END $$;
REVOKE ALL ON FUNCTION ngome.purge_acme FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ngome.purge_acme TO ngome_dispatcher;
