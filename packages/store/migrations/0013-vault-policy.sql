-- Whether a merchant may send values for the vault in clear, by world; else its clients seal them first.

ALTER TABLE ngome.merchants
  ADD COLUMN vault_plaintext_test text COLLATE "C" NOT NULL DEFAULT 'allowed'
    CHECK (vault_plaintext_test IN ('allowed', 'refused')),
  ADD COLUMN vault_plaintext_live text COLLATE "C" NOT NULL DEFAULT 'refused'
    CHECK (vault_plaintext_live IN ('allowed', 'refused'));
CALL ngome.classify('ngome.merchants', 'internal', '{vault_plaintext_test,vault_plaintext_live}');
GRANT UPDATE (vault_plaintext_test, vault_plaintext_live) ON ngome.merchants TO ngome_operator;

-- A policy that changed is told to gateways as fast as what was revoked.
ALTER TABLE ngome.revocations DROP CONSTRAINT revocations_kind_check;
ALTER TABLE ngome.revocations ADD CONSTRAINT revocations_kind_check
  CHECK (kind IN ('api_key_revoked', 'merchant_frozen', 'merchant_unfrozen', 'merchant_policy_changed'));

DROP FUNCTION ngome.find_api_key;
CREATE FUNCTION ngome.find_api_key(wanted text)
RETURNS TABLE (id text, merchant text, world text, verifier bytea, pepper_version integer, proof bytea,
  revoked_at timestamptz, frozen_at timestamptz, vault_plaintext text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.merchant, k.world, k.verifier, k.pepper_version, k.proof, k.revoked_at, m.frozen_at,
    CASE k.world WHEN 'test' THEN m.vault_plaintext_test ELSE m.vault_plaintext_live END
  FROM ngome.api_keys k JOIN ngome.merchants m ON m.id = k.merchant
  WHERE k.id = wanted
$$;
GRANT EXECUTE ON FUNCTION ngome.find_api_key TO ngome_gateway;
