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
