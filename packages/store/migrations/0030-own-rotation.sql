-- A key can have a period of its own, which is signed with what it may do: people are told at its end, sooner than policy would.

-- Computed from what is signed, so that there is nothing else to edit. `null`: by policy alone.
ALTER TABLE ngome.api_keys ADD COLUMN rotates_at timestamptz GENERATED ALWAYS AS (
  ((created_at AT TIME ZONE 'UTC') + make_interval(secs => (settings->>'rotateAfterS')::double precision)) AT TIME ZONE 'UTC'
) STORED;
CALL ngome.classify('ngome.api_keys', 'internal', '{rotates_at}');
CREATE INDEX api_keys_by_rotation ON ngome.api_keys (rotates_at) WHERE revoked_at IS NULL AND rotates_at IS NOT NULL;

-- Keys that work and whose own period ended after `since`, and of them those that nobody used for as long; those that end within
-- another such period aside.
CREATE FUNCTION ngome.find_keys_past_their_period(now_at timestamptz, since timestamptz, at_most integer)
RETURNS TABLE (kind text, id text, merchant text, world text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT due.kind, k.id, k.merchant, k.world
  FROM ngome.api_keys k LEFT JOIN ngome.api_key_uses u ON u.api_key = k.id
    CROSS JOIN LATERAL (VALUES
      ('rotation_due', true),
      ('unused', coalesce(u.last_used_at, k.created_at) + (k.rotates_at - k.created_at) <= now_at)
    ) AS due (kind, is_due)
  WHERE due.is_due AND k.revoked_at IS NULL AND k.rotates_at > since AND k.rotates_at <= now_at
    AND coalesce((k.settings->>'expiresAt')::timestamptz > now_at + least(interval '30 days', k.rotates_at - k.created_at), true)
    AND NOT EXISTS (SELECT FROM ngome.api_key_reminders r WHERE r.api_key = k.id AND r.kind = due.kind)
  ORDER BY k.rotates_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_keys_past_their_period TO ngome_dispatcher;
