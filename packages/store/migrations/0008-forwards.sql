-- Requests with tokens that go to addresses which the operator allowed, and those addresses.

CREATE TABLE ngome.forward_destinations (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^dst_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  url text COLLATE "C" NOT NULL CHECK (length(url) <= 512 AND url ~ '^https?://.*/$'),
  methods text[] COLLATE "C" NOT NULL CHECK (array_length(methods, 1) BETWEEN 1 AND 5
    AND methods <@ '{GET,POST,PUT,PATCH,DELETE}'::text[]),
  certificate_sha256 bytea CHECK (length(certificate_sha256) = 32),
  authority text CHECK (length(authority) <= 16384),
  -- The custodian's signature over all of the above and the end: a row that somebody wrote by himself is not obeyed.
  proof bytea NOT NULL CHECK (length(proof) = 64),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  PRIMARY KEY (merchant, world, id)
);
CALL ngome.classify('ngome.forward_destinations', 'internal', '{id,merchant,world,url,methods,certificate_sha256,
  authority,proof,created_at,expires_at}');
ALTER TABLE ngome.forward_destinations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.forward_destinations TO ngome_gateway, ngome_dispatcher, ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.forward_destinations FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT, DELETE ON ngome.forward_destinations TO ngome_operator;
GRANT SELECT ON ngome.forward_destinations TO ngome_gateway, ngome_dispatcher, ngome_auditor;

CREATE TABLE ngome.forwards (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^fwd_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- Not a foreign key: the operator may take the address back, and the forward then fails.
  destination text COLLATE "C" NOT NULL CHECK (destination ~ '^dst_[0-7][0-9a-z]{25}$'),
  api_key text COLLATE "C" NOT NULL,
  data_key text COLLATE "C" NOT NULL,
  -- The template; gone when the forward ended.
  sealed bytea CHECK (length(sealed) BETWEEN 64 AND 65536),
  status text COLLATE "C" NOT NULL CHECK (status IN ('accepted', 'sent', 'answered', 'failed', 'unknown')),
  failure text COLLATE "C" CHECK (failure IN ('destination_refused', 'token_unknown', 'token_unopenable',
    'value_refused', 'template_refused', 'unreachable', 'too_late')),
  -- Redacted, and encrypted with a key that is not in any database; gone an hour after it came.
  answer bytea CHECK (length(answer) BETWEEN 64 AND 1048576),
  created_at timestamptz NOT NULL,
  -- The attempt: committed before the first byte leaves. A forward has one, for ever.
  sent_at timestamptz,
  ended_at timestamptz,
  PRIMARY KEY (merchant, world, id),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id),
  CHECK ((status IN ('accepted', 'sent')) = (sealed IS NOT NULL)),
  CHECK ((status IN ('accepted', 'sent')) = (ended_at IS NULL)),
  CHECK ((status = 'failed') = (failure IS NOT NULL)),
  CHECK ((status IN ('accepted', 'failed')) = (sent_at IS NULL)),
  CHECK (answer IS NULL OR status = 'answered')
);
CREATE INDEX forwards_open ON ngome.forwards (created_at) WHERE status IN ('accepted', 'sent');
CREATE INDEX forwards_with_answer ON ngome.forwards (ended_at) WHERE answer IS NOT NULL;
CALL ngome.classify('ngome.forwards', 'internal', '{id,merchant,world,destination,api_key,data_key,status,failure,
  created_at,sent_at,ended_at}');
CALL ngome.classify('ngome.forwards', 'confidential', '{answer}');
CALL ngome.classify('ngome.forwards', 'restricted', '{sealed}');
ALTER TABLE ngome.forwards ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.forwards TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.forwards FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_due_reads ON ngome.forwards FOR SELECT TO ngome_migrator USING (true);
-- The gateway writes the template and never needs it back.
GRANT SELECT (id, merchant, world, destination, status, failure, answer, created_at, ended_at), INSERT
  ON ngome.forwards TO ngome_gateway;
GRANT SELECT ON ngome.forwards TO ngome_dispatcher, ngome_auditor;
GRANT UPDATE (status, failure, sealed, answer, sent_at, ended_at) ON ngome.forwards TO ngome_dispatcher;
-- Its jobs know their tenant, so that one merchant's slow destination holds up nobody else's.
GRANT INSERT (group_id) ON pgboss.job TO ngome_gateway;

CREATE FUNCTION ngome.guard_forward() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'accepted' THEN
      RAISE EXCEPTION 'a forward begins accepted' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.destination, NEW.api_key, NEW.data_key, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.destination, OLD.api_key, OLD.data_key, OLD.created_at)
    OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at)
    OR (NEW.sealed IS NOT NULL AND NEW.sealed IS DISTINCT FROM OLD.sealed) THEN
    RAISE EXCEPTION 'what a forward is does not change' USING ERRCODE = 'NG002';
  END IF;
  IF OLD.ended_at IS NOT NULL THEN
    IF NEW.answer IS NOT NULL OR (NEW.status, NEW.failure, NEW.ended_at) IS DISTINCT FROM
        (OLD.status, OLD.failure, OLD.ended_at) THEN
      RAISE EXCEPTION 'of a forward that ended only the answer goes' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  -- What may have left never becomes what did not, and is never sent again.
  IF (OLD.status, NEW.status) NOT IN (('accepted', 'sent'), ('accepted', 'failed'), ('sent', 'answered'),
      ('sent', 'unknown')) THEN
    RAISE EXCEPTION 'a forward cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.forwards FOR EACH ROW EXECUTE FUNCTION ngome.guard_forward();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.forwards FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

-- Forwards that lost their job, and answers whose hour is over, for the dispatcher, which then looks at each in its own
-- tenant.
CREATE FUNCTION ngome.find_due_forwards(open_before timestamptz, answered_before timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  (SELECT f.merchant, f.world, f.id FROM ngome.forwards f
    WHERE f.status IN ('accepted', 'sent') AND f.created_at <= open_before ORDER BY f.created_at LIMIT least(at_most, 1000))
  UNION ALL
  (SELECT f.merchant, f.world, f.id FROM ngome.forwards f
    WHERE f.answer IS NOT NULL AND f.ended_at <= answered_before ORDER BY f.ended_at LIMIT least(at_most, 1000))
$$;
GRANT EXECUTE ON FUNCTION ngome.find_due_forwards TO ngome_dispatcher;
