-- The versions of a webhook endpoint's secret: while one takes over from another, both sign.

CREATE TABLE ngome.webhook_secrets (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  endpoint text COLLATE "C" NOT NULL,
  -- Part of what is sealed: a row that is given another version's secret does not open.
  version integer NOT NULL CHECK (version > 0),
  data_key text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 4096),
  created_at timestamptz NOT NULL,
  -- When it stops to sign; the newest has no end.
  ends_at timestamptz,
  -- When the operator was reminded of its age.
  reminded_at timestamptz,
  PRIMARY KEY (merchant, world, endpoint, version),
  FOREIGN KEY (merchant, world, endpoint) REFERENCES ngome.webhook_endpoints (merchant, world, id) ON DELETE CASCADE,
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id)
);
CREATE UNIQUE INDEX webhook_secrets_newest ON ngome.webhook_secrets (merchant, world, endpoint) WHERE ends_at IS NULL;
CREATE INDEX webhook_secrets_ending ON ngome.webhook_secrets (ends_at) WHERE ends_at IS NOT NULL;
CALL ngome.classify('ngome.webhook_secrets', 'internal', '{merchant,world,endpoint,version,data_key,created_at,ends_at,
  reminded_at}');
CALL ngome.classify('ngome.webhook_secrets', 'restricted', '{sealed}');

ALTER TABLE ngome.webhook_endpoints NO FORCE ROW LEVEL SECURITY;
INSERT INTO ngome.webhook_secrets (merchant, world, endpoint, version, data_key, sealed, created_at)
  SELECT merchant, world, id, 1, data_key, sealed_secret, created_at FROM ngome.webhook_endpoints;
ALTER TABLE ngome.webhook_endpoints FORCE ROW LEVEL SECURITY;
ALTER TABLE ngome.webhook_endpoints DROP COLUMN data_key, DROP COLUMN sealed_secret;

ALTER TABLE ngome.webhook_secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.webhook_secrets TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.webhook_secrets FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY housekeeping_reads ON ngome.webhook_secrets FOR SELECT TO ngome_migrator USING (true);
CREATE POLICY housekeeping_deletes ON ngome.webhook_secrets FOR DELETE TO ngome_migrator USING (ends_at <= now());
-- The gateway writes what is sealed and never needs it back.
GRANT SELECT (merchant, world, endpoint, version, created_at, ends_at), INSERT, UPDATE (ends_at), DELETE
  ON ngome.webhook_secrets TO ngome_gateway;
GRANT SELECT, UPDATE (reminded_at) ON ngome.webhook_secrets TO ngome_dispatcher;
GRANT SELECT ON ngome.webhook_secrets TO ngome_auditor;

CREATE FUNCTION ngome.guard_webhook_secret() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.merchant, NEW.world, NEW.endpoint, NEW.version, NEW.data_key, NEW.sealed, NEW.created_at) IS DISTINCT FROM
      (OLD.merchant, OLD.world, OLD.endpoint, OLD.version, OLD.data_key, OLD.sealed, OLD.created_at)
    OR OLD.ends_at IS NOT NULL AND NEW.ends_at IS DISTINCT FROM OLD.ends_at THEN
    RAISE EXCEPTION 'a secret is replaced, not changed, and its end stays' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.webhook_secrets FOR EACH ROW EXECUTE FUNCTION ngome.guard_webhook_secret();

-- Removes secrets that sign no more, a bounded number at each call.
CREATE FUNCTION ngome.purge_webhook_secrets() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  removed integer;
BEGIN
  DELETE FROM ngome.webhook_secrets s USING (
    SELECT merchant, world, endpoint, version FROM ngome.webhook_secrets WHERE ends_at <= now() LIMIT 10000
  ) old WHERE s.merchant = old.merchant AND s.world = old.world AND s.endpoint = old.endpoint AND s.version = old.version;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
GRANT EXECUTE ON FUNCTION ngome.purge_webhook_secrets TO ngome_dispatcher;

-- Secrets that still sign, are older than policy wants them and of which nobody was reminded.
CREATE FUNCTION ngome.find_old_webhook_secrets(before timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, endpoint text, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.merchant, s.world, s.endpoint, s.version FROM ngome.webhook_secrets s
  WHERE s.ends_at IS NULL AND s.reminded_at IS NULL AND s.created_at <= before
  ORDER BY s.created_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_old_webhook_secrets TO ngome_dispatcher;
