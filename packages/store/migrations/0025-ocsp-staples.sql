-- What authorities say of the certificates that gateways serve (OCSP), for gateways to staple. The gateway writes which
-- certificate it serves, the dispatcher what came back; each proves for itself what the other wrote.

CREATE TABLE ngome.ocsp_staples (
  -- SHA-256 of the leaf (DER).
  leaf bytea PRIMARY KEY CHECK (length(leaf) = 32),
  -- The leaf and those above it, PEM; whom to ask, and about what, stands in it and nowhere else.
  chain text COLLATE "C" NOT NULL CHECK (length(chain) BETWEEN 100 AND 65536),
  -- When a gateway last said that it serves it.
  wanted_at timestamptz NOT NULL,
  next_ask_at timestamptz NOT NULL,
  response bytea CHECK (length(response) BETWEEN 1 AND 65536),
  status text COLLATE "C" CHECK (status IN ('good', 'revoked')),
  this_update timestamptz,
  next_update timestamptz CHECK (next_update > this_update),
  -- Since the last answer that was proven.
  failures integer NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND 1000000),
  failure text COLLATE "C" CHECK (length(failure) <= 64),
  failing_since timestamptz,
  -- When an alarm was last raised about it.
  told_at timestamptz,
  CHECK ((response IS NULL) = (status IS NULL) AND (response IS NULL) = (this_update IS NULL) AND (response IS NULL) = (next_update IS NULL)),
  CHECK ((failures = 0) = (failure IS NULL) AND (failures = 0) = (failing_since IS NULL))
);
CALL ngome.classify('ngome.ocsp_staples', 'public', '{leaf,chain,response,status,this_update,next_update}');
CALL ngome.classify('ngome.ocsp_staples', 'internal', '{wanted_at,next_ask_at,failures,failure,failing_since,told_at}');
-- No row-level security: it is of no tenant, and every gateway staples what any of them asked for.
GRANT SELECT ON ngome.ocsp_staples TO ngome_gateway, ngome_operator, ngome_auditor;
GRANT SELECT, UPDATE (next_ask_at, response, status, this_update, next_update, failures, failure, failing_since, told_at)
  ON ngome.ocsp_staples TO ngome_dispatcher;

-- Says that a gateway serves this certificate. A stolen gateway may say it of others, sixteen at a time; the dispatcher
-- asks about none that is not ours, and such rows give way to those that are.
CREATE FUNCTION ngome.want_staple(which bytea, certificates text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM ngome.ocsp_staples WHERE wanted_at < now() - interval '7 days';
  -- Another chain may prove what the one before did not.
  UPDATE ngome.ocsp_staples SET wanted_at = now(), chain = CASE WHEN failure = 'chain_untrusted' THEN certificates ELSE chain END WHERE leaf = which;
  IF FOUND THEN
    RETURN true;
  END IF;
  LOCK TABLE ngome.ocsp_staples IN SHARE ROW EXCLUSIVE MODE;
  IF (SELECT count(*) FROM ngome.ocsp_staples) >= 16 THEN
    DELETE FROM ngome.ocsp_staples WHERE leaf = (
      SELECT leaf FROM ngome.ocsp_staples WHERE response IS NULL ORDER BY wanted_at LIMIT 1
    );
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END IF;
  -- At once, whatever time the dispatcher's machine has.
  INSERT INTO ngome.ocsp_staples (leaf, chain, wanted_at, next_ask_at) VALUES (which, certificates, now(), to_timestamp(0))
  ON CONFLICT (leaf) DO NOTHING;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION ngome.want_staple FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ngome.want_staple TO ngome_gateway;
