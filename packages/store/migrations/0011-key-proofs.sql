-- What is kept of an API key counts with the custodian's signature only, and moves to the newest pepper when it is used.

ALTER TABLE ngome.api_keys ADD COLUMN proof bytea CHECK (length(proof) BETWEEN 65 AND 1024);
CALL ngome.classify('ngome.api_keys', 'internal', '{proof}');
-- Keys from before nobody signed, and a planted one would look the same: they end here, and are issued anew.
ALTER TABLE ngome.api_keys NO FORCE ROW LEVEL SECURITY;
UPDATE ngome.api_keys SET revoked_at = now() WHERE revoked_at IS NULL;
ALTER TABLE ngome.api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE ngome.api_keys ADD CONSTRAINT proven_or_revoked CHECK (proof IS NOT NULL OR revoked_at IS NOT NULL);

DROP FUNCTION ngome.find_api_key;
CREATE FUNCTION ngome.find_api_key(wanted text)
RETURNS TABLE (id text, merchant text, world text, verifier bytea, pepper_version integer, proof bytea,
  revoked_at timestamptz, frozen_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.merchant, k.world, k.verifier, k.pepper_version, k.proof, k.revoked_at, m.frozen_at
  FROM ngome.api_keys k JOIN ngome.merchants m ON m.id = k.merchant
  WHERE k.id = wanted
$$;
GRANT EXECUTE ON FUNCTION ngome.find_api_key TO ngome_gateway;

-- A key of a later pepper in the place of the same key of an earlier one; never back, and never for a revoked key. That
-- it is the same key no database can tell: what is not signed by the custodian verifies nothing.
CREATE FUNCTION ngome.rehash_api_key(wanted text, from_version integer, to_version integer, new_verifier bytea, new_proof bytea)
RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH changed AS (
    UPDATE ngome.api_keys k SET verifier = new_verifier, pepper_version = to_version, proof = new_proof
    WHERE k.id = wanted AND k.pepper_version = from_version AND to_version > from_version AND k.revoked_at IS NULL
    RETURNING 1
  ) SELECT EXISTS (SELECT FROM changed)
$$;
CREATE POLICY rehash_writes ON ngome.api_keys FOR UPDATE TO ngome_migrator
  USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NULL);
GRANT EXECUTE ON FUNCTION ngome.rehash_api_key TO ngome_gateway;
