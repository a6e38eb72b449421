-- The schema, whose rows belong to whom, and who may call.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA ngome;
GRANT USAGE ON SCHEMA ngome TO ngome_gateway, ngome_dispatcher, ngome_operator, ngome_auditor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Gives columns their class (promise R28). A test refuses a column without one.
CREATE PROCEDURE ngome.classify(relation regclass, class text, columns text[]) LANGUAGE plpgsql AS $$
DECLARE
  name text;
BEGIN
  IF class NOT IN ('public', 'internal', 'confidential', 'restricted') THEN
    RAISE EXCEPTION 'no such class: %', class;
  END IF;
  FOREACH name IN ARRAY columns LOOP
    EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', relation, name, 'class: ' || class);
  END LOOP;
END $$;

CREATE TABLE ngome.merchants (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^mer_[0-7][0-9a-z]{25}$'),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL,
  frozen_at timestamptz
);
CALL ngome.classify('ngome.merchants', 'internal', '{id,name,created_at,frozen_at}');
ALTER TABLE ngome.merchants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- A merchant is one row for both worlds; only the operator's commands handle them, all of them.
CREATE POLICY operator_all ON ngome.merchants TO ngome_operator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.merchants FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_api_key_reads ON ngome.merchants FOR SELECT TO ngome_migrator USING (true);
GRANT SELECT, INSERT ON ngome.merchants TO ngome_operator;
GRANT UPDATE (frozen_at) ON ngome.merchants TO ngome_operator;

CREATE TABLE ngome.api_keys (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^key_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  verifier bytea NOT NULL CHECK (length(verifier) = 32),
  pepper_version integer NOT NULL CHECK (pepper_version > 0),
  hint text NOT NULL CHECK (length(hint) <= 64),
  created_at timestamptz NOT NULL,
  revoked_at timestamptz
);
CREATE INDEX api_keys_by_tenant ON ngome.api_keys (merchant, world, id);
CALL ngome.classify('ngome.api_keys', 'internal', '{id,merchant,world,pepper_version,hint,created_at,revoked_at}');
CALL ngome.classify('ngome.api_keys', 'confidential', '{verifier}');
ALTER TABLE ngome.api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.api_keys TO ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.api_keys FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_api_key_reads ON ngome.api_keys FOR SELECT TO ngome_migrator USING (true);
GRANT SELECT (id, merchant, world, pepper_version, hint, created_at, revoked_at), INSERT ON ngome.api_keys
  TO ngome_operator;
GRANT UPDATE (revoked_at) ON ngome.api_keys TO ngome_operator;

-- The gateway must find a key before it knows whose it is. It gets one row for an id that it was shown, and no way to
-- list the others.
CREATE FUNCTION ngome.find_api_key(wanted text)
RETURNS TABLE (id text, merchant text, world text, verifier bytea, pepper_version integer, revoked_at timestamptz,
  frozen_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.merchant, k.world, k.verifier, k.pepper_version, k.revoked_at, m.frozen_at
  FROM ngome.api_keys k JOIN ngome.merchants m ON m.id = k.merchant
  WHERE k.id = wanted
$$;
GRANT EXECUTE ON FUNCTION ngome.find_api_key TO ngome_gateway;

-- One row, incremented in each revoking transaction: its lock puts the revocations in one order, so that a reader who
-- has seen number n has seen all before it.
CREATE TABLE ngome.revocation_counter (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  value bigint NOT NULL
);
INSERT INTO ngome.revocation_counter (value) VALUES (0);
CALL ngome.classify('ngome.revocation_counter', 'internal', '{only_row,value}');
GRANT SELECT ON ngome.revocation_counter TO ngome_gateway, ngome_operator;
GRANT UPDATE (value) ON ngome.revocation_counter TO ngome_operator;

CREATE TABLE ngome.revocations (
  sequence bigint PRIMARY KEY CHECK (sequence > 0),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('api_key_revoked', 'merchant_frozen', 'merchant_unfrozen')),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  api_key text COLLATE "C" REFERENCES ngome.api_keys (id),
  at timestamptz NOT NULL,
  CHECK ((kind = 'api_key_revoked') = (api_key IS NOT NULL))
);
CALL ngome.classify('ngome.revocations', 'internal', '{sequence,kind,merchant,api_key,at}');
-- No row-level security on these two: every gateway must learn of every revocation.
GRANT SELECT ON ngome.revocations TO ngome_gateway;
GRANT INSERT ON ngome.revocations TO ngome_operator;
