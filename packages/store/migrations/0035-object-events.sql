-- An event for every change of what a merchant can see change, numbered for each object without a gap, in one order that a reader can
-- follow without missing any; and webhooks that are made of them, can be told again, and end where an endpoint is away for good.

-- What each change is called; `direction` and `status` of a payment's. What is told where an endpoint did not choose: `is_default`.
CREATE TABLE ngome.event_types (
  type text COLLATE "C" PRIMARY KEY CHECK (type ~ '^[a-z_]+\.[a-z_]+$'),
  direction text COLLATE "C",
  status text COLLATE "C",
  is_default boolean NOT NULL,
  UNIQUE (direction, status)
);
INSERT INTO ngome.event_types
  SELECT noun || '.' || status, direction, status, status IN ('succeeded', 'failed', 'cancelled', 'reversed')
  FROM (VALUES ('collection', 'payment'), ('payout', 'payout'), ('refund', 'refund')) d (direction, noun),
    unnest(ARRAY['awaiting_approval', 'accepted', 'processing', 'in_doubt', 'succeeded', 'failed', 'cancelled', 'reversed']) status
  WHERE (direction, status) <> ('collection', 'awaiting_approval')
  UNION ALL VALUES ('webhook_endpoint.failing', NULL, NULL, false), ('webhook_endpoint.disabled', NULL, NULL, false),
    ('webhook_endpoint.enabled', NULL, NULL, false);
CALL ngome.classify('ngome.event_types', 'public', '{type,direction,status,is_default}');

CREATE TABLE ngome.object_events (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  object text COLLATE "C" NOT NULL CHECK (object ~ '^(pay|pyt|rfd|whe)_[0-7][0-9a-z]{25}$'),
  sequence integer NOT NULL CHECK (sequence > 0),
  id text COLLATE "C" NOT NULL CHECK (id ~ '^evt_[0-7][0-9a-z]{25}$'),
  type text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  -- What of the object changes, as it was then. The rest of it never changes and stands in its own row.
  facts jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object' AND length(facts::text) <= 2048),
  -- Where it stands in its tenant's order: the transaction that wrote it, or that of the object's event before it where that is
  -- later. Below the oldest transaction that runs nothing is added any more, and an object's events stand as they are numbered.
  position xid8 NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY,
  -- A MAC, by a key that no database holds, over all that a webhook says of it. NULL: nobody proved it, and nobody is told by webhook.
  proof bytea CHECK (length(proof) = 32),
  PRIMARY KEY (merchant, world, object, sequence),
  UNIQUE (merchant, world, id)
);
CREATE INDEX object_events_in_order ON ngome.object_events (merchant, world, position, number);
CREATE INDEX object_events_by_type ON ngome.object_events (merchant, world, type, position, number);
CALL ngome.classify('ngome.object_events', 'internal', '{merchant,world,object,sequence,id,type,at,facts,position,number,proof}');
ALTER TABLE ngome.object_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_reads ON ngome.object_events FOR SELECT TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY tenant_proves ON ngome.object_events FOR UPDATE TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.object_events FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY triggers_write ON ngome.object_events TO ngome_migrator USING (true) WITH CHECK (true);
-- Nobody inserts: the change itself does.
GRANT SELECT, UPDATE (proof) ON ngome.object_events TO ngome_gateway, ngome_dispatcher;
GRANT SELECT ON ngome.object_events, ngome.event_types TO ngome_auditor;

CREATE FUNCTION ngome.guard_object_event() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.proof IS NOT NULL OR to_jsonb(NEW) - 'proof' IS DISTINCT FROM to_jsonb(OLD) - 'proof' THEN
    RAISE EXCEPTION 'an event is proven once, and stays as it is' USING ERRCODE = 'NG003';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.object_events FOR EACH ROW EXECUTE FUNCTION ngome.guard_object_event();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.object_events FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- An id that follows from what it is of: its time as in every id (48 bits in ten characters), then 64 bits of a digest.
CREATE FUNCTION ngome.id_of(prefix text, at timestamptz, subject text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT prefix || '_'
    || substr(a, (ms >> 45 & 7)::integer + 1, 1) || substr(a, (ms >> 40 & 31)::integer + 1, 1) || substr(a, (ms >> 35 & 31)::integer + 1, 1)
    || substr(a, (ms >> 30 & 31)::integer + 1, 1) || substr(a, (ms >> 25 & 31)::integer + 1, 1) || substr(a, (ms >> 20 & 31)::integer + 1, 1)
    || substr(a, (ms >> 15 & 31)::integer + 1, 1) || substr(a, (ms >> 10 & 31)::integer + 1, 1) || substr(a, (ms >> 5 & 31)::integer + 1, 1)
    || substr(a, (ms & 31)::integer + 1, 1) || left(encode(sha256(convert_to(subject, 'UTF8')), 'hex'), 16)
  FROM (VALUES ('0123456789abcdefghjkmnpqrstvwxyz', floor(extract(epoch FROM at) * 1000)::bigint)) v (a, ms)
$$;

-- Endpoints: what they are told of, and whether they answer.
ALTER TABLE ngome.webhook_endpoints
  -- NULL: what is told by default. Part of what is proven of the endpoint.
  ADD COLUMN event_types text[] CHECK (cardinality(event_types) BETWEEN 1 AND 64),
  -- Since when, and how often, every try failed.
  ADD COLUMN failing_since timestamptz,
  ADD COLUMN failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
  ADD COLUMN warned_at timestamptz,
  ADD COLUMN disabled_at timestamptz,
  ADD COLUMN disabled_because text COLLATE "C" CHECK (disabled_because IN ('failing', 'gone')),
  ADD COLUMN enabled_at timestamptz,
  ADD CONSTRAINT webhook_endpoints_failing CHECK ((failing_since IS NULL) = (failures = 0)),
  ADD CONSTRAINT webhook_endpoints_disabled CHECK ((disabled_at IS NULL) = (disabled_because IS NULL));
CALL ngome.classify('ngome.webhook_endpoints', 'internal',
  '{event_types,failing_since,failures,warned_at,disabled_at,disabled_because,enabled_at}');
GRANT SELECT (event_types, failing_since, failures, warned_at, disabled_at, disabled_because, enabled_at),
  UPDATE (event_types, failing_since, failures, warned_at, disabled_at, disabled_because, enabled_at)
  ON ngome.webhook_endpoints TO ngome_gateway;
GRANT UPDATE (failing_since, failures, warned_at, disabled_at, disabled_because) ON ngome.webhook_endpoints TO ngome_dispatcher;
CREATE POLICY triggers_read ON ngome.webhook_endpoints FOR SELECT TO ngome_migrator USING (true);

-- Deliveries are of events now, in their objects' order. What was on its way before has no event that it could be told of.
ALTER TABLE ngome.webhook_deliveries NO FORCE ROW LEVEL SECURITY;
UPDATE ngome.webhook_deliveries SET state = 'given_up', reason = 'withheld', settled_at = now(), next_try_at = NULL WHERE state = 'pending';
ALTER TABLE ngome.webhook_deliveries
  ALTER COLUMN payment DROP NOT NULL,
  DROP COLUMN proof,
  ADD COLUMN object text COLLATE "C",
  -- The event's own; 0 of those from before there were events.
  ADD COLUMN sequence integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
  -- When the first try was, or the first look where it is held: three days begin here.
  ADD COLUMN tried_since timestamptz,
  -- Its turn came while one before it was still to be told: that one's end gives it its turn again.
  ADD COLUMN waits boolean NOT NULL DEFAULT false,
  ADD COLUMN replays smallint NOT NULL DEFAULT 0 CHECK (replays BETWEEN 0 AND 32),
  ADD COLUMN replayed_at timestamptz;
UPDATE ngome.webhook_deliveries SET object = payment;
ALTER TABLE ngome.webhook_deliveries ALTER COLUMN object SET NOT NULL, ALTER COLUMN sequence DROP DEFAULT;
ALTER TABLE ngome.webhook_deliveries FORCE ROW LEVEL SECURITY;
CALL ngome.classify('ngome.webhook_deliveries', 'internal', '{object,sequence,tried_since,waits,replays,replayed_at}');
CREATE INDEX webhook_deliveries_pending ON ngome.webhook_deliveries (merchant, world, endpoint, object, sequence) WHERE state = 'pending';
REVOKE INSERT ON ngome.webhook_deliveries FROM ngome_dispatcher;
GRANT UPDATE (tried_since, waits) ON ngome.webhook_deliveries TO ngome_dispatcher;
GRANT SELECT (event, object, sequence, replays, replayed_at) ON ngome.webhook_deliveries TO ngome_gateway;
CREATE POLICY triggers_write ON ngome.webhook_deliveries TO ngome_migrator USING (true) WITH CHECK (true);

-- The job that delivers: as packages/store/jobs writes it, which a test compares.
CREATE FUNCTION ngome.enqueue_deliveries(of_merchant text, of_world text, ids text[]) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds,
    deletion_seconds, policy, group_id)
  SELECT 'webhook-deliver', jsonb_build_object('merchant', of_merchant, 'world', of_world, 'delivery', d.id, 'endpoint', d.endpoint),
    now(), now() + interval '60 days', 1000000, 1, true, 60, 300, 3600, 'standard', of_merchant || ':' || of_world || ':' || d.endpoint
  FROM ngome.webhook_deliveries d WHERE d.merchant = of_merchant AND d.world = of_world AND d.id = ANY (ids)
  ORDER BY d.object, d.sequence
$$;

-- Makes the deliveries of an event, one for each endpoint that is to be told of it.
CREATE FUNCTION ngome.make_deliveries(event ngome.object_events, by_default boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made text[];
BEGIN
  WITH told AS (
    INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at)
    SELECT ngome.id_of('whd', event.at, event.id || e.id), event.merchant, event.world, e.id,
      CASE WHEN event.object ~ '^whe_' THEN NULL ELSE event.object END, event.object, event.sequence, event.id, event.type, event.at, 'pending', event.at
    FROM ngome.webhook_endpoints e
    WHERE e.merchant = event.merchant AND e.world = event.world AND e.disabled_at IS NULL AND e.id <> event.object
      AND (event.type = ANY (e.event_types) OR e.event_types IS NULL AND by_default)
    RETURNING id
  )
  SELECT array_agg(id) INTO made FROM told;
  IF made IS NOT NULL THEN
    PERFORM ngome.enqueue_deliveries(event.merchant, event.world, made);
  END IF;
END $$;

-- Writes an object's next event. The caller holds the object's row until the commit, so that numbers follow one another.
CREATE FUNCTION ngome.tell(of_merchant text, of_world text, of_object text, of_type text, of_at timestamptz, of_facts jsonb, by_default boolean)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  last record;
  told ngome.object_events;
BEGIN
  SELECT e.sequence, e.position INTO last FROM ngome.object_events e
    WHERE e.merchant = of_merchant AND e.world = of_world AND e.object = of_object ORDER BY e.sequence DESC LIMIT 1;
  INSERT INTO ngome.object_events (merchant, world, object, sequence, id, type, at, facts, position)
  VALUES (of_merchant, of_world, of_object, coalesce(last.sequence, 0) + 1,
    ngome.id_of('evt', of_at, of_merchant || ':' || of_world || ':' || of_object || ':' || coalesce(last.sequence, 0) + 1),
    of_type, of_at, of_facts, greatest(last.position, pg_current_xact_id()))
  RETURNING * INTO told;
  PERFORM ngome.make_deliveries(told, by_default);
END $$;

CREATE FUNCTION ngome.tell_payment() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind record;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
    RETURN NULL;
  END IF;
  SELECT t.type, t.is_default INTO kind FROM ngome.event_types t WHERE t.direction = NEW.direction AND t.status = NEW.status;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no event for a % that is %', NEW.direction, NEW.status USING ERRCODE = 'NG001';
  END IF;
  PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.id, kind.type, NEW.updated_at,
    jsonb_build_object('status', NEW.status, 'failure', NEW.failure), kind.is_default);
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON ngome.payments FOR EACH ROW EXECUTE FUNCTION ngome.tell_payment();

CREATE FUNCTION ngome.tell_webhook_endpoint() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  facts jsonb := jsonb_build_object('url', NEW.url, 'failing_since', ngome.iso(coalesce(NEW.failing_since, OLD.failing_since)),
    'disabled_at', ngome.iso(NEW.disabled_at), 'disabled_because', NEW.disabled_because);
BEGIN
  IF OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL THEN
    PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.id, 'webhook_endpoint.disabled', NEW.disabled_at, facts, false);
  ELSIF OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL THEN
    PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.id, 'webhook_endpoint.enabled', NEW.enabled_at, facts, false);
  ELSIF OLD.warned_at IS NULL AND NEW.warned_at IS NOT NULL THEN
    PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.id, 'webhook_endpoint.failing', NEW.warned_at, facts, false);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER UPDATE ON ngome.webhook_endpoints FOR EACH ROW EXECUTE FUNCTION ngome.tell_webhook_endpoint();

-- As JavaScript writes a time.
CREATE FUNCTION ngome.iso(at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A merchant has deliveries told again, or for the first time where the endpoint was disabled then; what is told is the same event
-- under the same id. Of the tenant that the transaction is in.
CREATE FUNCTION ngome.replay_deliveries(of_endpoint text, ids text[], replay_at timestamptz) RETURNS SETOF text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  replayed text[];
BEGIN
  PERFORM FROM ngome.webhook_deliveries d WHERE d.merchant = of_merchant AND d.world = of_world AND d.endpoint = of_endpoint AND d.id = ANY (ids)
    ORDER BY d.object, d.sequence FOR UPDATE;
  WITH told AS (
    UPDATE ngome.webhook_deliveries d SET state = 'pending', settled_at = NULL, next_try_at = NULL, tries = 0, tried_since = NULL, waits = false,
      replays = d.replays + 1, replayed_at = replay_at
    WHERE d.merchant = of_merchant AND d.world = of_world AND d.endpoint = of_endpoint AND d.id = ANY (ids) AND d.state <> 'pending'
      AND d.sequence > 0 AND d.replays < 32 AND (d.replayed_at IS NULL OR d.replayed_at <= replay_at - interval '10 seconds')
      AND EXISTS (SELECT FROM ngome.webhook_endpoints e WHERE e.merchant = d.merchant AND e.world = d.world AND e.id = d.endpoint AND e.disabled_at IS NULL)
    RETURNING d.id
  )
  SELECT array_agg(id) INTO replayed FROM told;
  PERFORM ngome.enqueue_deliveries(of_merchant, of_world, replayed);
  RETURN QUERY SELECT unnest(replayed);
END $$;
GRANT EXECUTE ON FUNCTION ngome.replay_deliveries TO ngome_gateway;

-- Makes the deliveries of events that an endpoint was to be told of and was not, for it was disabled: at most so many of those since a
-- time, in their order. They are settled at once, as given up, so that whoever asked for them replays them.
CREATE FUNCTION ngome.make_missed_deliveries(of_endpoint text, since timestamptz, at_most integer, made_at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer;
BEGIN
  INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, reason,
    created_at, settled_at)
  SELECT ngome.id_of('whd', v.at, v.id || e.id), v.merchant, v.world, e.id, CASE WHEN v.object ~ '^whe_' THEN NULL ELSE v.object END,
    v.object, v.sequence, v.id, v.type, v.at, 'given_up', 'endpoint_disabled', v.at, made_at
  FROM ngome.webhook_endpoints e
    JOIN ngome.object_events v ON v.merchant = e.merchant AND v.world = e.world AND v.object <> e.id
    JOIN ngome.event_types t ON t.type = v.type AND (t.type = ANY (e.event_types) OR e.event_types IS NULL AND t.is_default)
  WHERE e.merchant = current_setting('ngome.merchant', true) AND e.world = current_setting('ngome.world', true) AND e.id = of_endpoint
    -- Ids begin with their time, so that those since a time are a range of the index.
    AND v.id >= left(ngome.id_of('evt', greatest(since, e.created_at), ''), 14) AND v.at >= greatest(since, e.created_at)
    AND NOT EXISTS (SELECT FROM ngome.webhook_deliveries d WHERE d.merchant = e.merchant AND d.world = e.world AND d.event = v.id AND d.endpoint = e.id)
  ORDER BY v.id LIMIT least(at_most, 1000)
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS made = ROW_COUNT;
  RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION ngome.make_missed_deliveries TO ngome_gateway;
