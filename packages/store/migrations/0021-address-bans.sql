-- Networks that gateways refuse before the handshake; shared, so that a replaced gateway and another one know them too.

CREATE TABLE ngome.address_bans (
  network text COLLATE "C" PRIMARY KEY
    CHECK (network ~ '^[0-9]{1,3}(\.[0-9]{1,3}){3}/32$' OR network ~ '^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3}::/64$'),
  banned_by text COLLATE "C" NOT NULL CHECK (banned_by IN ('gateway', 'operator')),
  reason text COLLATE "C" NOT NULL CHECK (length(reason) <= 64),
  -- How often in a row; each time is longer.
  times integer NOT NULL CHECK (times BETWEEN 1 AND 1000),
  banned_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL CHECK (ends_at > banned_at)
);
CREATE INDEX address_bans_ends ON ngome.address_bans (ends_at);
CALL ngome.classify('ngome.address_bans', 'internal', '{network,banned_by,reason,times,banned_at,ends_at}');
-- No row-level security: it is of no tenant, and every gateway must learn of every ban.
GRANT SELECT ON ngome.address_bans TO ngome_gateway, ngome_auditor;
GRANT SELECT, INSERT, DELETE, UPDATE (banned_by, reason, times, banned_at, ends_at) ON ngome.address_bans TO ngome_operator;

-- What a gateway may do to others' doors, also a stolen one: an hour for a network, ten thousand networks, and nothing
-- to what an operator decided. Rows are kept for a day after their end, so that who comes again stays away longer.
CREATE FUNCTION ngome.ban_network(which text, how_long integer, how_often integer, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM ngome.address_bans WHERE ends_at < now() - interval '1 day';
  IF how_long NOT BETWEEN 1 AND 3600 OR (SELECT count(*) FROM ngome.address_bans) >= 10000 THEN
    RETURN false;
  END IF;
  INSERT INTO ngome.address_bans AS old (network, banned_by, reason, times, banned_at, ends_at)
  VALUES (which, 'gateway', why, how_often, now(), now() + make_interval(secs => how_long))
  ON CONFLICT (network) DO UPDATE
    SET banned_by = 'gateway', reason = excluded.reason, times = greatest(old.times, excluded.times),
      banned_at = excluded.banned_at, ends_at = greatest(old.ends_at, excluded.ends_at)
    WHERE old.banned_by = 'gateway' OR old.ends_at < now();
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION ngome.ban_network FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ngome.ban_network TO ngome_gateway;
