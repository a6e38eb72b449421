-- What was seen of each public address, look by look: the evidence of K3. And the pins that apps are told (R3).

CREATE TABLE ngome.tls_checks (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^tlc_[0-7][0-9a-z]{25}$'),
  -- host:port, as clients write it.
  address text COLLATE "C" NOT NULL CHECK (length(address) BETWEEN 3 AND 300),
  checked_at timestamptz NOT NULL,
  verdict text COLLATE "C" NOT NULL CHECK (verdict IN ('sound', 'flawed', 'not_reached')),
  findings text[] COLLATE "C" NOT NULL CHECK (array_length(findings, 1) IS NULL OR array_length(findings, 1) <= 64),
  -- SHA-256 over the public keys of the chain, the leaf's first.
  chain bytea CHECK (length(chain) = 32),
  observed jsonb CHECK (length(observed::text) <= 65536),
  CHECK ((verdict = 'not_reached') = (observed IS NULL)),
  CHECK (observed IS NOT NULL OR chain IS NULL)
);
CREATE INDEX tls_checks_newest ON ngome.tls_checks (address, checked_at);
CALL ngome.classify('ngome.tls_checks', 'internal', '{id,address,checked_at,verdict,findings,chain,observed}');
ALTER TABLE ngome.tls_checks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY platform ON ngome.tls_checks TO ngome_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY operator_reads ON ngome.tls_checks FOR SELECT TO ngome_operator USING (true);
CREATE POLICY auditor_reads ON ngome.tls_checks FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY housekeeping_reads ON ngome.tls_checks FOR SELECT TO ngome_migrator USING (true);
-- Kept for longer than an auditor's year.
CREATE POLICY housekeeping_deletes ON ngome.tls_checks FOR DELETE TO ngome_migrator USING (checked_at <= now() - interval '500 days');
GRANT SELECT, INSERT ON ngome.tls_checks TO ngome_dispatcher;
GRANT SELECT ON ngome.tls_checks TO ngome_operator, ngome_auditor;

CREATE FUNCTION ngome.refuse_tls_check_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'evidence stays as it was written' USING ERRCODE = 'NG003';
END $$;
CREATE TRIGGER keep BEFORE UPDATE ON ngome.tls_checks FOR EACH ROW EXECUTE FUNCTION ngome.refuse_tls_check_change();

-- Removes evidence past its time, a bounded number at each call.
CREATE FUNCTION ngome.purge_tls_checks() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  removed integer;
BEGIN
  DELETE FROM ngome.tls_checks WHERE id IN (
    SELECT id FROM ngome.tls_checks WHERE checked_at <= now() - interval '500 days' ORDER BY checked_at LIMIT 10000
  );
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
GRANT EXECUTE ON FUNCTION ngome.purge_tls_checks TO ngome_dispatcher;

CREATE TABLE ngome.pin_sets (
  version integer PRIMARY KEY CHECK (version > 0),
  -- The whole set, signed by the custodian (JWS, RFC 7515): a row that somebody wrote by himself is not served.
  statement text COLLATE "C" NOT NULL CHECK (length(statement) BETWEEN 100 AND 16384),
  published_at timestamptz NOT NULL
);
CALL ngome.classify('ngome.pin_sets', 'public', '{version,statement,published_at}');
ALTER TABLE ngome.pin_sets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON ngome.pin_sets FOR SELECT TO ngome_gateway, ngome_dispatcher, ngome_operator, ngome_auditor USING (true);
CREATE POLICY operator_publishes ON ngome.pin_sets FOR INSERT TO ngome_operator WITH CHECK (true);
GRANT SELECT ON ngome.pin_sets TO ngome_gateway, ngome_dispatcher, ngome_auditor;
GRANT SELECT, INSERT ON ngome.pin_sets TO ngome_operator;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON ngome.pin_sets FOR EACH ROW EXECUTE FUNCTION ngome.refuse_change();
