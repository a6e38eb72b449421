-- Merchants see their own API keys, make, roll and revoke them. What counts of a row is the custodian's signature, so that
-- a gateway that writes rows by itself makes no key; revoking and ending go through functions, so that it does neither for
-- another tenant by mistake and never moves the counter back.

CREATE POLICY own_keys ON ngome.api_keys TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
-- Not the verifier, not the pepper's version, not the proof: those of one key come from `find_api_key`.
GRANT SELECT (id, merchant, world, hint, settings, created_at, revoked_at), INSERT ON ngome.api_keys TO ngome_gateway;
CREATE POLICY own_keys ON ngome.api_key_uses FOR SELECT TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
GRANT SELECT (api_key, merchant, world, last_used_at, network, agent) ON ngome.api_key_uses TO ngome_gateway;

CREATE POLICY own_keys_end ON ngome.api_keys FOR UPDATE TO ngome_migrator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));

-- Counts what ended a key of this tenant, which every gateway hears of within the lease.
CREATE FUNCTION ngome.count_own_key_end(ended text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number bigint;
BEGIN
  UPDATE ngome.revocation_counter SET value = value + 1 RETURNING value INTO number;
  INSERT INTO ngome.revocations (sequence, kind, merchant, api_key, at)
    VALUES (number, 'api_key_revoked', current_setting('ngome.merchant'), ended, now());
END $$;

CREATE FUNCTION ngome.revoke_own_api_key(wanted text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ngome.api_keys k SET revoked_at = now()
    WHERE k.id = wanted AND k.revoked_at IS NULL
      AND k.merchant = current_setting('ngome.merchant') AND k.world = current_setting('ngome.world');
  IF FOUND THEN
    PERFORM ngome.count_own_key_end(wanted);
    RETURN 'revoked';
  END IF;
  RETURN CASE WHEN EXISTS (SELECT FROM ngome.api_keys k WHERE k.id = wanted
      AND k.merchant = current_setting('ngome.merchant') AND k.world = current_setting('ngome.world')) THEN 'already' ELSE 'unknown' END;
END $$;
GRANT EXECUTE ON FUNCTION ngome.revoke_own_api_key TO ngome_gateway;

-- Puts a nearer end to a key, as the custodian signed it, where its row is still the one that was shown to it; else all of the
-- transaction fails, its successor with it.
CREATE FUNCTION ngome.end_own_api_key(wanted text, from_proof bytea, with_end jsonb, new_proof bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ngome.api_keys k SET settings = with_end, proof = new_proof
    WHERE k.id = wanted AND k.proof = from_proof AND k.revoked_at IS NULL
      AND k.merchant = current_setting('ngome.merchant') AND k.world = current_setting('ngome.world');
  IF NOT FOUND THEN RAISE EXCEPTION 'the key changed meanwhile' USING ERRCODE = 'NG006'; END IF;
  PERFORM ngome.count_own_key_end(wanted);
END $$;
GRANT EXECUTE ON FUNCTION ngome.end_own_api_key TO ngome_gateway;
