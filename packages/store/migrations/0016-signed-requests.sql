-- Merchants' public keys, and the nonces of the requests that were signed with them.

CREATE TABLE ngome.merchant_signing_keys (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^msk_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  algorithm text COLLATE "C" NOT NULL CHECK (algorithm IN ('rsa-pss-sha512', 'ed25519')),
  spki bytea NOT NULL CHECK (length(spki) BETWEEN 32 AND 2048),
  uses text[] COLLATE "C" NOT NULL CHECK (array_length(uses, 1) BETWEEN 1 AND 2 AND uses <@ '{sign,encrypt}'::text[]),
  -- The custodian's signature over all of the above and the end: a row that somebody wrote by himself is nobody's key.
  proof bytea NOT NULL CHECK (length(proof) = 64),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
  revoked_at timestamptz,
  PRIMARY KEY (merchant, world, id)
);
CALL ngome.classify('ngome.merchant_signing_keys', 'internal', '{id,merchant,world,algorithm,uses,proof,created_at,
  expires_at,revoked_at}');
CALL ngome.classify('ngome.merchant_signing_keys', 'public', '{spki}');
ALTER TABLE ngome.merchant_signing_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.merchant_signing_keys TO ngome_gateway, ngome_dispatcher, ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.merchant_signing_keys FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT, UPDATE (revoked_at) ON ngome.merchant_signing_keys TO ngome_operator;
GRANT SELECT ON ngome.merchant_signing_keys TO ngome_gateway, ngome_dispatcher, ngome_auditor;
-- What was revoked stays so.
CREATE FUNCTION ngome.guard_merchant_signing_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL THEN
    RAISE EXCEPTION 'a key that was revoked stays revoked' USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.merchant_signing_keys
  FOR EACH ROW EXECUTE FUNCTION ngome.guard_merchant_signing_key();

-- A merchant's key that is gone is told to gateways as fast as an API key.
ALTER TABLE ngome.revocations DROP CONSTRAINT revocations_kind_check;
ALTER TABLE ngome.revocations ADD CONSTRAINT revocations_kind_check
  CHECK (kind IN ('api_key_revoked', 'api_key_ended', 'merchant_frozen', 'merchant_unfrozen', 'merchant_policy_changed',
    'merchant_signing_key_revoked'));

-- Each nonce once, in the transaction of what its request does; kept for longer than a signature can be of now. A partition
-- for each day (UTC) of `created`, and a default one so that none is ever refused.
CREATE TABLE ngome.signed_request_nonces (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  signing_key text COLLATE "C" NOT NULL CHECK (signing_key ~ '^msk_[0-7][0-9a-z]{25}$'),
  nonce text COLLATE "C" NOT NULL CHECK (nonce ~ '^[A-Za-z0-9_-]{22,64}$'),
  created timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, signing_key, nonce, created)
) PARTITION BY RANGE (created);
CREATE TABLE ngome.signed_request_nonces_default PARTITION OF ngome.signed_request_nonces DEFAULT;
CALL ngome.classify('ngome.signed_request_nonces', 'internal', '{merchant,world,signing_key,nonce,created}');
ALTER TABLE ngome.signed_request_nonces ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_writes ON ngome.signed_request_nonces FOR INSERT TO ngome_gateway
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.signed_request_nonces FOR SELECT TO ngome_auditor USING (true);
-- It writes them and never reads: a nonce that is there refuses its second.
GRANT INSERT ON ngome.signed_request_nonces TO ngome_gateway;
GRANT SELECT ON ngome.signed_request_nonces TO ngome_auditor;

-- Makes the partitions of yesterday, today and the days ahead, and drops those that ended more than a day ago: five minutes
-- would do, and a clock that was set wrong is not to open the door to what was sent before.
CREATE FUNCTION ngome.keep_nonce_partitions(days_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  part text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ngome.keep_nonce_partitions'));
  FOR ahead IN -1..least(days_ahead, 31) LOOP
    part := 'signed_request_nonces_' || to_char(today + ahead, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('ngome.' || part) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE ngome.%I PARTITION OF ngome.signed_request_nonces FOR VALUES FROM (%L) TO (%L)', part,
        (today + ahead)::timestamp AT TIME ZONE 'UTC', (today + ahead + 1)::timestamp AT TIME ZONE 'UTC');
    EXCEPTION WHEN check_violation THEN
      NULL; -- The default partition holds rows of that day already.
    END;
  END LOOP;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ngome.signed_request_nonces'::regclass AND c.relname ~ '^signed_request_nonces_[0-9]{8}$'
      AND c.relname < 'signed_request_nonces_' || to_char(today - 1, 'YYYYMMDD')
  LOOP
    EXECUTE format('DROP TABLE ngome.%I', part);
  END LOOP;
  DELETE FROM ngome.signed_request_nonces_default WHERE created < now() - interval '2 days';
END $$;
GRANT EXECUTE ON FUNCTION ngome.keep_nonce_partitions TO ngome_dispatcher, ngome_operator;
SELECT ngome.keep_nonce_partitions(7);
