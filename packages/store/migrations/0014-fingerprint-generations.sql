-- A fingerprint says of which of its merchant's index keys it is, and is taken on to a later one in its place.

ALTER TABLE ngome.vault_tokens DROP CONSTRAINT vault_tokens_fingerprint_check;
ALTER TABLE ngome.vault_tokens ADD CONSTRAINT vault_tokens_fingerprint_check
  CHECK (fingerprint ~ '^fpr([2-9]|[1-9][0-9]{1,2})?_[A-Za-z0-9_-]{22}$');

CREATE FUNCTION ngome.fingerprint_generation(fingerprint text) RETURNS integer LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT coalesce(nullif(substring(fingerprint FROM '^fpr([0-9]*)_'), ''), '1')::integer $$;
GRANT EXECUTE ON FUNCTION ngome.fingerprint_generation TO ngome_gateway, ngome_dispatcher;

CREATE OR REPLACE FUNCTION ngome.guard_vault_token() RETURNS trigger LANGUAGE plpgsql
  SET search_path = pg_catalog, pg_temp AS $$
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
  IF (NEW.sealed, NEW.metadata) IS DISTINCT FROM (OLD.sealed, OLD.metadata) THEN
    RAISE EXCEPTION 'of a live token only what is pending changes' USING ERRCODE = 'NG002';
  END IF;
  -- What was computed is only ever taken on to a later index key, and by the dispatcher.
  IF OLD.fingerprint_status <> 'pending' AND (current_user <> 'ngome_dispatcher' OR OLD.fingerprint_status <> 'computed'
      OR NEW.fingerprint_status <> 'computed' OR NEW.status <> OLD.status
      OR ngome.fingerprint_generation(NEW.fingerprint) <= ngome.fingerprint_generation(OLD.fingerprint)) THEN
    RAISE EXCEPTION 'of a live token only what is pending or an older fingerprint changes' USING ERRCODE = 'NG002';
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
