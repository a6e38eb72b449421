-- How each API key is used, what is unusual about it, and what was done about that.

-- Counts of a key by minute, and by hour once the minutes are old. They come from gateways, that add to them.
CREATE TABLE ngome.api_key_usage (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  grain text COLLATE "C" NOT NULL CHECK (grain IN ('minute', 'hour')),
  at timestamptz NOT NULL,
  operation text COLLATE "C" NOT NULL CHECK (operation ~ '^[A-Za-z]{1,64}$'),
  requests bigint NOT NULL CHECK (requests >= 0),
  -- Of them: answered 4xx, 5xx, and 404.
  refused bigint NOT NULL CHECK (refused >= 0),
  failed bigint NOT NULL CHECK (failed >= 0),
  not_found bigint NOT NULL CHECK (not_found >= 0),
  -- Estimates of how many different ids were not found, and how many different payers were named.
  missed_ids bigint NOT NULL CHECK (missed_ids >= 0),
  payers bigint NOT NULL CHECK (payers >= 0),
  -- Requests that named this key and did not prove it: in none of the counts above.
  unauthenticated bigint NOT NULL CHECK (unauthenticated >= 0),
  -- Requests without a line in the request log.
  unlogged bigint NOT NULL CHECK (unlogged >= 0),
  latency_us bigint NOT NULL CHECK (latency_us >= 0),
  latency_max_us bigint NOT NULL CHECK (latency_max_us >= 0),
  PRIMARY KEY (merchant, world, api_key, grain, at, operation)
);
CREATE INDEX api_key_usage_by_minute ON ngome.api_key_usage (at) WHERE grain = 'minute';
CREATE INDEX api_key_usage_by_hour ON ngome.api_key_usage (at) WHERE grain = 'hour';
CALL ngome.classify('ngome.api_key_usage', 'internal', '{merchant,world,api_key,grain,at,operation,requests,refused,failed,
  not_found,missed_ids,payers,unauthenticated,unlogged,latency_us,latency_max_us}');

-- The same requests by where they came from, with what, and for how much: an amount is its currency and which half octave.
CREATE TABLE ngome.api_key_usage_facets (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  grain text COLLATE "C" NOT NULL CHECK (grain IN ('minute', 'hour')),
  at timestamptz NOT NULL,
  facet text COLLATE "C" NOT NULL CHECK (facet IN ('address', 'country', 'agent', 'amount')),
  value text COLLATE "C" NOT NULL CHECK (length(value) BETWEEN 1 AND 64),
  requests bigint NOT NULL CHECK (requests >= 0),
  amount_minor numeric(40) NOT NULL CHECK (amount_minor >= 0),
  PRIMARY KEY (merchant, world, api_key, grain, at, facet, value)
);
CREATE INDEX api_key_usage_facets_by_minute ON ngome.api_key_usage_facets (at) WHERE grain = 'minute';
CREATE INDEX api_key_usage_facets_by_hour ON ngome.api_key_usage_facets (at) WHERE grain = 'hour';
CALL ngome.classify('ngome.api_key_usage_facets', 'internal',
  '{merchant,world,api_key,grain,at,facet,value,requests,amount_minor}');

-- A merchant's own requests, one by one, a partition for each day. No path, no body, no header but the agent.
CREATE TABLE ngome.request_log (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  id text COLLATE "C" NOT NULL CHECK (id ~ '^req_[0-7][0-9a-z]{25}$'),
  at timestamptz NOT NULL,
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  operation text COLLATE "C" NOT NULL CHECK (operation ~ '^[A-Za-z]{1,64}$'),
  status smallint NOT NULL CHECK (status BETWEEN 100 AND 599),
  fault text COLLATE "C" CHECK (fault ~ '^[a-z_]+/[a-z0-9_]+$' AND length(fault) <= 64),
  latency_us bigint NOT NULL CHECK (latency_us >= 0),
  address text COLLATE "C" CHECK (length(address) <= 45),
  country text COLLATE "C" CHECK (country ~ '^[A-Z]{2}$'),
  agent text COLLATE "C" CHECK (length(agent) <= 64),
  PRIMARY KEY (merchant, world, id, at)
) PARTITION BY RANGE (at);
CREATE TABLE ngome.request_log_default PARTITION OF ngome.request_log DEFAULT;
CALL ngome.classify('ngome.request_log', 'internal', '{merchant,world,id,at,api_key,operation,status,fault,latency_us,
  address,country,agent}');

-- What was unusual: one alert for each key, kind and subject in a day.
CREATE TABLE ngome.api_key_alerts (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  id text COLLATE "C" NOT NULL CHECK (id ~ '^alt_[0-7][0-9a-z]{25}$'),
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  kind text COLLATE "C" NOT NULL CHECK (kind ~ '^[a-z_]{1,32}$'),
  subject text COLLATE "C" NOT NULL CHECK (length(subject) <= 64),
  score smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
  reason text NOT NULL CHECK (length(reason) <= 300),
  evidence jsonb NOT NULL CHECK (length(evidence::text) <= 2000),
  response text COLLATE "C" NOT NULL CHECK (response IN ('notify', 'demand_signed', 'throttle', 'suspend')),
  at timestamptz NOT NULL,
  day date NOT NULL,
  PRIMARY KEY (merchant, world, id),
  UNIQUE (api_key, kind, subject, day)
);
CALL ngome.classify('ngome.api_key_alerts', 'internal',
  '{merchant,world,id,api_key,kind,subject,score,reason,evidence,response,at,day}');

-- What is usual for a key: what the dispatcher learned, as packages/behaviour writes it.
CREATE TABLE ngome.api_key_baselines (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  api_key text COLLATE "C" NOT NULL CHECK (api_key ~ '^key_[0-7][0-9a-z]{25}$'),
  -- Hours before this one were learned.
  learned_to timestamptz NOT NULL,
  state jsonb NOT NULL CHECK (length(state::text) <= 65536),
  PRIMARY KEY (merchant, world, api_key)
);
CALL ngome.classify('ngome.api_key_baselines', 'internal', '{merchant,world,api_key,learned_to,state}');

-- What a key may not do until a time, because its use was unusual.
CREATE TABLE ngome.api_key_restrictions (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  api_key text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES ngome.api_keys (id),
  restriction text COLLATE "C" NOT NULL CHECK (restriction IN ('demand_signed', 'throttle', 'suspend')),
  set_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  CHECK (ends_at > set_at AND ends_at <= set_at + interval '1 day')
);
CALL ngome.classify('ngome.api_key_restrictions', 'internal', '{merchant,world,api_key,restriction,set_at,ends_at}');

DO $$
DECLARE
  relation text;
BEGIN
  FOREACH relation IN ARRAY ARRAY['api_key_usage', 'api_key_usage_facets', 'request_log', 'api_key_alerts',
      'api_key_baselines', 'api_key_restrictions'] LOOP
    EXECUTE format('ALTER TABLE ngome.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format($policy$CREATE POLICY tenant ON ngome.%I TO ngome_gateway, ngome_dispatcher, ngome_operator
      USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
      WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
    $policy$, relation);
    EXECUTE format('CREATE POLICY auditor_reads ON ngome.%I FOR SELECT TO ngome_auditor USING (true)', relation);
    EXECUTE format('CREATE POLICY functions_all ON ngome.%I TO ngome_migrator USING (true) WITH CHECK (true)', relation);
    EXECUTE format('GRANT SELECT ON ngome.%I TO ngome_auditor', relation);
  END LOOP;
END $$;
GRANT SELECT ON ngome.api_key_usage, ngome.api_key_usage_facets, ngome.request_log, ngome.api_key_alerts TO ngome_gateway;
GRANT SELECT ON ngome.api_key_usage, ngome.api_key_usage_facets TO ngome_dispatcher;
GRANT SELECT, INSERT ON ngome.api_key_alerts TO ngome_dispatcher;
GRANT SELECT, INSERT, UPDATE (learned_to, state) ON ngome.api_key_baselines TO ngome_dispatcher;
GRANT SELECT, DELETE ON ngome.api_key_restrictions TO ngome_operator;

CREATE TRIGGER keep BEFORE UPDATE ON ngome.request_log FOR EACH ROW EXECUTE FUNCTION ngome.refuse_change();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON ngome.api_key_alerts FOR EACH ROW EXECUTE FUNCTION ngome.refuse_change();

-- Adds what a gateway counted since it last did, of all tenants in one statement.
CREATE FUNCTION ngome.record_usage(counts jsonb, facets jsonb, lines jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO ngome.api_key_usage AS u
  SELECT c.merchant, c.world, c.api_key, 'minute', c.at, c.operation, c.requests, c.refused, c.failed, c.not_found,
    c.missed_ids, c.payers, c.unauthenticated, c.unlogged, c.latency_us, c.latency_max_us
  FROM jsonb_to_recordset(counts) AS c(merchant text, world text, api_key text, at timestamptz, operation text,
    requests bigint, refused bigint, failed bigint, not_found bigint, missed_ids bigint, payers bigint,
    unauthenticated bigint, unlogged bigint, latency_us bigint, latency_max_us bigint)
  -- One order for all, so that gateways that add to the same rows wait for each other and never in a circle.
  ORDER BY 1, 2, 3, 5, 6
  ON CONFLICT (merchant, world, api_key, grain, at, operation) DO UPDATE SET
    requests = u.requests + excluded.requests, refused = u.refused + excluded.refused, failed = u.failed + excluded.failed,
    not_found = u.not_found + excluded.not_found, missed_ids = u.missed_ids + excluded.missed_ids,
    payers = u.payers + excluded.payers, unauthenticated = u.unauthenticated + excluded.unauthenticated,
    unlogged = u.unlogged + excluded.unlogged, latency_us = u.latency_us + excluded.latency_us,
    latency_max_us = greatest(u.latency_max_us, excluded.latency_max_us);
  INSERT INTO ngome.api_key_usage_facets AS u
  SELECT f.merchant, f.world, f.api_key, 'minute', f.at, f.facet, f.value, f.requests, f.amount_minor
  FROM jsonb_to_recordset(facets) AS f(merchant text, world text, api_key text, at timestamptz, facet text, value text,
    requests bigint, amount_minor numeric)
  ORDER BY 1, 2, 3, 5, 6, 7
  ON CONFLICT (merchant, world, api_key, grain, at, facet, value) DO UPDATE SET
    requests = u.requests + excluded.requests, amount_minor = u.amount_minor + excluded.amount_minor;
  INSERT INTO ngome.request_log
  SELECT l.merchant, l.world, l.id, l.at, l.api_key, l.operation, l.status, l.fault, l.latency_us, l.address, l.country,
    l.agent
  FROM jsonb_to_recordset(lines) AS l(merchant text, world text, id text, at timestamptz, api_key text, operation text,
    status smallint, fault text, latency_us bigint, address text, country text, agent text)
  ON CONFLICT DO NOTHING;
$$;
GRANT EXECUTE ON FUNCTION ngome.record_usage TO ngome_gateway;

-- Keys that were used since, or that somebody failed to prove, with how often: who looked knows by it what is new.
CREATE FUNCTION ngome.find_used_keys(since timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, api_key text, count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT u.merchant, u.world, u.api_key, sum(u.requests + u.unauthenticated)::bigint
  FROM ngome.api_key_usage u WHERE u.grain = 'minute' AND u.at >= since
  GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT least(at_most, 10000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_used_keys TO ngome_dispatcher;

-- Keys with hours before `until` that nobody learned from yet.
CREATE FUNCTION ngome.find_unlearned_keys(since timestamptz, until timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, api_key text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT u.merchant, u.world, u.api_key FROM ngome.api_key_usage u
  LEFT JOIN ngome.api_key_baselines b ON b.merchant = u.merchant AND b.world = u.world AND b.api_key = u.api_key
  WHERE u.grain = 'minute' AND u.requests > 0 AND u.at >= since AND u.at < until
    AND u.at >= coalesce(b.learned_to, '-infinity'::timestamptz)
  LIMIT least(at_most, 10000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_unlearned_keys TO ngome_dispatcher;

-- Minutes become hours after `minute_days`, a day of them at each call; hours end after `hour_days`.
CREATE FUNCTION ngome.roll_up_usage(minute_days integer, hour_days integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  cutoff timestamptz;
  removed integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ngome.roll_up_usage'));
  SELECT least(date_trunc('hour', now() - make_interval(days => greatest(minute_days, 3))),
      date_trunc('hour', min(u.at)) + interval '1 day')
    INTO cutoff FROM ngome.api_key_usage u WHERE u.grain = 'minute';
  WITH old AS (
    DELETE FROM ngome.api_key_usage WHERE grain = 'minute' AND at < cutoff RETURNING *
  ) INSERT INTO ngome.api_key_usage AS u
    SELECT merchant, world, api_key, 'hour', date_trunc('hour', at), operation, sum(requests), sum(refused), sum(failed),
      sum(not_found), sum(missed_ids), sum(payers), sum(unauthenticated), sum(unlogged), sum(latency_us), max(latency_max_us)
    FROM old GROUP BY 1, 2, 3, 5, 6
    ON CONFLICT (merchant, world, api_key, grain, at, operation) DO UPDATE SET
      requests = u.requests + excluded.requests, refused = u.refused + excluded.refused,
      failed = u.failed + excluded.failed, not_found = u.not_found + excluded.not_found,
      missed_ids = u.missed_ids + excluded.missed_ids, payers = u.payers + excluded.payers,
      unauthenticated = u.unauthenticated + excluded.unauthenticated, unlogged = u.unlogged + excluded.unlogged,
      latency_us = u.latency_us + excluded.latency_us, latency_max_us = greatest(u.latency_max_us, excluded.latency_max_us);
  WITH old AS (
    DELETE FROM ngome.api_key_usage_facets WHERE grain = 'minute' AND at < cutoff RETURNING *
  ) INSERT INTO ngome.api_key_usage_facets AS u
    SELECT merchant, world, api_key, 'hour', date_trunc('hour', at), facet, value, sum(requests), sum(amount_minor)
    FROM old GROUP BY 1, 2, 3, 5, 6, 7
    ON CONFLICT (merchant, world, api_key, grain, at, facet, value) DO UPDATE SET
      requests = u.requests + excluded.requests, amount_minor = u.amount_minor + excluded.amount_minor;
  DELETE FROM ngome.api_key_usage WHERE grain = 'hour' AND at < now() - make_interval(days => greatest(hour_days, 31));
  GET DIAGNOSTICS removed = ROW_COUNT;
  DELETE FROM ngome.api_key_usage_facets WHERE grain = 'hour' AND at < now() - make_interval(days => greatest(hour_days, 31));
  RETURN removed;
END $$;
GRANT EXECUTE ON FUNCTION ngome.roll_up_usage TO ngome_dispatcher;

-- Makes the partitions of the request log for the days ahead, and drops those older than it is kept.
CREATE FUNCTION ngome.keep_request_log(days_ahead integer, days_kept integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  part text;
  dropped integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ngome.keep_request_log'));
  FOR ahead IN 0..least(days_ahead, 31) LOOP
    part := 'request_log_' || to_char(today + ahead, 'YYYYMMDD');
    CONTINUE WHEN to_regclass('ngome.' || part) IS NOT NULL;
    BEGIN
      EXECUTE format('CREATE TABLE ngome.%I PARTITION OF ngome.request_log FOR VALUES FROM (%L) TO (%L)', part,
        (today + ahead)::timestamp AT TIME ZONE 'UTC', (today + ahead + 1)::timestamp AT TIME ZONE 'UTC');
    EXCEPTION WHEN check_violation THEN
      NULL; -- The default partition holds rows of that day already.
    END;
  END LOOP;
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'ngome.request_log'::regclass AND c.relname ~ '^request_log_[0-9]{8}$'
        AND right(c.relname, 8) < to_char(today - greatest(days_kept, 1), 'YYYYMMDD') LOOP
    EXECUTE format('DROP TABLE ngome.%I', part);
    dropped := dropped + 1;
  END LOOP;
  DELETE FROM ngome.request_log_default WHERE at < now() - make_interval(days => greatest(days_kept, 1));
  RETURN dropped;
END $$;
GRANT EXECUTE ON FUNCTION ngome.keep_request_log TO ngome_dispatcher;
SELECT ngome.keep_request_log(7, 30);

-- What the operator wants done about unusual use, by merchant and world; NULL: what the configuration says.
ALTER TABLE ngome.merchants
  ADD COLUMN on_anomaly_test text COLLATE "C" CHECK (on_anomaly_test IN ('notify', 'demand_signed', 'throttle', 'suspend')),
  ADD COLUMN on_anomaly_live text COLLATE "C" CHECK (on_anomaly_live IN ('notify', 'demand_signed', 'throttle', 'suspend'));
CALL ngome.classify('ngome.merchants', 'internal', '{on_anomaly_test,on_anomaly_live}');
GRANT UPDATE (on_anomaly_test, on_anomaly_live) ON ngome.merchants TO ngome_operator;

CREATE FUNCTION ngome.anomaly_policy(of_merchant text, of_world text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE of_world WHEN 'test' THEN m.on_anomaly_test ELSE m.on_anomaly_live END
  FROM ngome.merchants m WHERE m.id = of_merchant
$$;
GRANT EXECUTE ON FUNCTION ngome.anomaly_policy TO ngome_dispatcher;

-- A restriction is told to gateways as fast as what was revoked. Other migrations may have named other kinds.
DO $$
DECLARE
  was text;
BEGIN
  SELECT pg_get_constraintdef(oid) INTO STRICT was FROM pg_constraint
    WHERE conrelid = 'ngome.revocations'::regclass AND conname = 'revocations_kind_check';
  ALTER TABLE ngome.revocations DROP CONSTRAINT revocations_kind_check;
  EXECUTE 'ALTER TABLE ngome.revocations ADD CONSTRAINT revocations_kind_check '
    || replace(was, 'ARRAY[', 'ARRAY[''api_key_restricted''::text, ');
END $$;
ALTER TABLE ngome.revocations DROP CONSTRAINT revocations_check;
ALTER TABLE ngome.revocations ADD CONSTRAINT revocations_check CHECK (starts_with(kind, 'api_key_') = (api_key IS NOT NULL));

-- Restricts a key for a time. Bounded: whoever has the dispatcher's role can restrict thirty keys in an hour and suspend
-- ten, for a day each, and lift nothing.
CREATE FUNCTION ngome.restrict_api_key(wanted text, to_restriction text, until timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  strength CONSTANT text[] := ARRAY['demand_signed', 'throttle', 'suspend'];
  number bigint;
  present record;
BEGIN
  IF array_position(strength, to_restriction) IS NULL OR until <= now() OR until > now() + interval '1 day' THEN
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
GRANT EXECUTE ON FUNCTION ngome.restrict_api_key TO ngome_dispatcher;

-- Of the key that a gateway was shown, as `find_api_key`.
CREATE FUNCTION ngome.find_api_key_restriction(wanted text) RETURNS TABLE (restriction text, restricted_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT r.restriction, r.ends_at FROM ngome.api_key_restrictions r WHERE r.api_key = wanted AND r.ends_at > now()
$$;
GRANT EXECUTE ON FUNCTION ngome.find_api_key_restriction TO ngome_gateway;
