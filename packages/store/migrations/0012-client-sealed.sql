-- Tokens whose value its client sealed: nobody but the dispatcher can look, and until it has, nothing is known of them.

ALTER TABLE ngome.vault_tokens ADD COLUMN status text COLLATE "C" NOT NULL DEFAULT 'active'
  CHECK (status IN ('pending', 'active', 'invalid'));
CALL ngome.classify('ngome.vault_tokens', 'internal', '{status}');
ALTER TABLE ngome.vault_tokens DISABLE TRIGGER guard;
UPDATE ngome.vault_tokens SET status = 'invalid' WHERE fingerprint_status = 'unavailable';
ALTER TABLE ngome.vault_tokens ENABLE TRIGGER guard;
ALTER TABLE ngome.vault_tokens ALTER COLUMN status DROP DEFAULT;
ALTER TABLE ngome.vault_tokens ADD CONSTRAINT what_was_looked_at CHECK (
  (status = 'invalid') = (fingerprint_status = 'unavailable') AND
  (status <> 'pending' OR fingerprint_status = 'pending' AND network IS NULL AND masked IS NULL));
GRANT SELECT (status) ON ngome.vault_tokens TO ngome_gateway;
-- The gateway says at the beginning that nobody has looked; that somebody has, only the dispatcher says.
GRANT UPDATE (status) ON ngome.vault_tokens TO ngome_dispatcher;

CREATE OR REPLACE FUNCTION ngome.guard_vault_token() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.ended IS NOT NULL OR NEW.fingerprint_status <> 'pending' THEN
      RAISE EXCEPTION 'a token begins live and without a fingerprint' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.ended IS NOT NULL THEN
    RAISE EXCEPTION 'a token that ended stays as it is' USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.type, NEW.api_key, NEW.data_key, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.type, OLD.api_key, OLD.data_key, OLD.created_at,
      OLD.expires_at) THEN
    RAISE EXCEPTION 'what a token is does not change' USING ERRCODE = 'NG002';
  END IF;
  IF NEW.ended IS NOT NULL THEN
    RETURN NEW; -- The table's checks say that nothing of the value is left.
  END IF;
  IF (NEW.sealed, NEW.metadata) IS DISTINCT FROM (OLD.sealed, OLD.metadata) OR OLD.fingerprint_status <> 'pending' THEN
    RAISE EXCEPTION 'of a live token only what is pending changes' USING ERRCODE = 'NG002';
  END IF;
  IF NEW.status <> OLD.status AND NEW.fingerprint_status = 'pending' THEN
    RAISE EXCEPTION 'what was looked at has its fingerprint, or never gets one' USING ERRCODE = 'NG002';
  END IF;
  IF (NEW.network, NEW.masked) IS DISTINCT FROM (OLD.network, OLD.masked)
    AND NOT (OLD.status = 'pending' AND NEW.status = 'active') THEN
    RAISE EXCEPTION 'a mask is written once' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
