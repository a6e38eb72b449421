-- Everybody who opens a page has its publishable key, and can make its use as unusual as he likes: nothing that comes of
-- that may take the key from the others. A person revokes it, or gives the page another.

DROP FUNCTION ngome.find_used_keys;
CREATE FUNCTION ngome.find_used_keys(since timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, api_key text, count bigint, is_publishable boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH used AS (
    SELECT u.merchant, u.world, u.api_key, sum(u.requests + u.unauthenticated)::bigint AS count
    FROM ngome.api_key_usage u WHERE u.grain = 'minute' AND u.at >= since
    GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT least(at_most, 10000)
  ) SELECT used.*, coalesce(k.settings->>'kind' = 'publishable', false)
    FROM used LEFT JOIN ngome.api_keys k ON k.id = used.api_key ORDER BY used.count DESC
$$;
REVOKE ALL ON FUNCTION ngome.find_used_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ngome.find_used_keys TO ngome_dispatcher;

-- As before, but for publishable keys.
CREATE OR REPLACE FUNCTION ngome.restrict_api_key(wanted text, to_restriction text, until timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  strength CONSTANT text[] := ARRAY['demand_signed', 'throttle', 'suspend'];
  number bigint;
  present record;
BEGIN
  IF array_position(strength, to_restriction) IS NULL OR until <= now() OR until > now() + interval '1 day' THEN
    RETURN 'refused';
  END IF;
  IF EXISTS (SELECT FROM ngome.api_keys k WHERE k.id = wanted AND k.settings->>'kind' = 'publishable') THEN
    RETURN 'refused';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ngome.restrict_api_key'));
  SELECT r.restriction, r.ends_at INTO present FROM ngome.api_key_restrictions r WHERE r.api_key = wanted;
  IF present.ends_at > now() AND array_position(strength, present.restriction) >= array_position(strength, to_restriction) THEN
    RETURN 'already';
  END IF;
  IF (SELECT count(*) FROM ngome.revocations v WHERE v.kind = 'api_key_restricted' AND v.at > now() - interval '1 hour') >= 30
    OR to_restriction = 'suspend' AND (SELECT count(*) FROM ngome.api_key_restrictions r
      WHERE r.restriction = 'suspend' AND r.set_at > now() - interval '1 hour') >= 10 THEN
    RETURN 'bounded';
  END IF;
  INSERT INTO ngome.api_key_restrictions AS r (merchant, world, api_key, restriction, set_at, ends_at)
    SELECT k.merchant, k.world, k.id, to_restriction, now(), until FROM ngome.api_keys k
    WHERE k.id = wanted AND k.revoked_at IS NULL
    ON CONFLICT (api_key) DO UPDATE SET restriction = excluded.restriction, set_at = excluded.set_at, ends_at = excluded.ends_at;
  IF NOT FOUND THEN
    RETURN 'unknown';
  END IF;
  UPDATE ngome.revocation_counter SET value = value + 1 RETURNING value INTO number;
  INSERT INTO ngome.revocations (sequence, kind, merchant, api_key, at)
    SELECT number, 'api_key_restricted', k.merchant, k.id, now() FROM ngome.api_keys k WHERE k.id = wanted;
  RETURN 'restricted';
END $$;

-- What is revoked loses what made it a key: who takes `revoked_at` away again, trigger and constraint with it, has a row that
-- the custodian did not sign. The guard is as before otherwise.
CREATE OR REPLACE FUNCTION ngome.guard_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a key that was revoked stays so' USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.hint, NEW.created_at, NEW.settings - 'expiresAt') IS DISTINCT FROM
    (OLD.id, OLD.merchant, OLD.world, OLD.hint, OLD.created_at, OLD.settings - 'expiresAt') THEN
    RAISE EXCEPTION 'what a key is does not change' USING ERRCODE = 'NG002';
  END IF;
  IF OLD.settings->>'expiresAt' IS NOT NULL AND (NEW.settings->>'expiresAt' IS NULL
    OR (NEW.settings->>'expiresAt')::timestamptz > (OLD.settings->>'expiresAt')::timestamptz) THEN
    RAISE EXCEPTION 'an end comes nearer only' USING ERRCODE = 'NG002';
  END IF;
  IF NEW.revoked_at IS NOT NULL THEN NEW.proof := NULL; END IF;
  RETURN NEW;
END $$;
ALTER TABLE ngome.api_keys NO FORCE ROW LEVEL SECURITY;
UPDATE ngome.api_keys SET proof = NULL WHERE revoked_at IS NOT NULL;
ALTER TABLE ngome.api_keys FORCE ROW LEVEL SECURITY;

-- A gateway that says that a key was used in a hundred years would hide every use until then; clocks differ by minutes.
CREATE OR REPLACE FUNCTION ngome.record_api_key_uses(keys text[], times timestamptz[], networks text[], agents text[])
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO ngome.api_key_uses AS u (api_key, merchant, world, last_used_at, network, agent)
    SELECT k.id, k.merchant, k.world, least(given.at, now() + interval '5 minutes'), given.network, given.agent
    FROM unnest(keys, times, networks, agents) AS given (key, at, network, agent) JOIN ngome.api_keys k ON k.id = given.key
    ORDER BY k.id
  ON CONFLICT (api_key) DO UPDATE
    SET last_used_at = EXCLUDED.last_used_at, network = EXCLUDED.network, agent = EXCLUDED.agent
    WHERE EXCLUDED.last_used_at > u.last_used_at
$$;
