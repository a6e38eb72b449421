-- Merchants are told of every change of a settlement too; who makes it vouches for it: the dispatcher by its proof, the operator's
-- command by its word (ADR 50).

INSERT INTO ngome.event_types VALUES ('settlement.created', NULL, NULL, false), ('settlement.paid', NULL, NULL, true),
  ('settlement.failed', NULL, NULL, true);

ALTER TABLE ngome.object_events DROP CONSTRAINT object_events_object_check,
  ADD CONSTRAINT object_events_object_check CHECK (object ~ '^(pay|pyt|rfd|whe|stl)_[0-7][0-9a-z]{25}$');

-- Of a settlement's event all that it says stands in its facts: its webhook says that and nothing that is read elsewhere.
CREATE FUNCTION ngome.tell_settlement() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  kind record;
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
    RETURN NULL;
  END IF;
  SELECT t.type, t.is_default INTO kind FROM ngome.event_types t WHERE t.type = 'settlement.' || NEW.state;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no event for a settlement that is %', NEW.state USING ERRCODE = 'NG001';
  END IF;
  PERFORM ngome.tell(NEW.merchant, NEW.world, NEW.id, kind.type, NEW.updated_at, jsonb_build_object(
    'status', NEW.state, 'amount_minor', NEW.amount_minor::text, 'currency', NEW.currency, 'day', to_char(NEW.day, 'YYYY-MM-DD'),
    'bank_reference', NEW.bank_reference, 'failure', NEW.failure, 'created_at', ngome.iso(NEW.created_at)), kind.is_default);
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON ngome.settlements FOR EACH ROW EXECUTE FUNCTION ngome.tell_settlement();

-- The word of a process for an event: its signature over all that a webhook says of it, by the key of its certificate. The operator's
-- commands have no secret that proves; the dispatcher holds their word against the authority before it proves.
CREATE TABLE ngome.event_words (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  event text COLLATE "C" NOT NULL,
  certificate text COLLATE "C" NOT NULL CHECK (length(certificate) <= 4096),
  signature bytea NOT NULL CHECK (length(signature) = 64),
  PRIMARY KEY (merchant, world, event),
  FOREIGN KEY (merchant, world, event) REFERENCES ngome.object_events (merchant, world, id)
);
CALL ngome.classify('ngome.event_words', 'internal', '{merchant,world,event,certificate,signature}');
ALTER TABLE ngome.event_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_speaks ON ngome.event_words FOR INSERT TO ngome_operator
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY tenant_reads ON ngome.event_words FOR SELECT TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.event_words FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT ON ngome.event_words TO ngome_operator;
GRANT SELECT ON ngome.event_words TO ngome_dispatcher, ngome_auditor;
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.event_words FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.event_words FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();

CREATE POLICY operator_reads ON ngome.object_events FOR SELECT TO ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
GRANT SELECT (merchant, world, object, sequence, id, type, at, facts) ON ngome.object_events TO ngome_operator;

-- As before; a settlement is no payment either.
CREATE OR REPLACE FUNCTION ngome.make_deliveries(event ngome.object_events, by_default boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made text[];
BEGIN
  WITH told AS (
    INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, created_at)
    SELECT ngome.id_of('whd', event.at, event.id || e.id), event.merchant, event.world, e.id,
      CASE WHEN event.object ~ '^(whe|stl)_' THEN NULL ELSE event.object END, event.object, event.sequence, event.id, event.type, event.at, 'pending', event.at
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

CREATE OR REPLACE FUNCTION ngome.make_missed_deliveries(of_endpoint text, since timestamptz, at_most integer, made_at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer;
BEGIN
  INSERT INTO ngome.webhook_deliveries (id, merchant, world, endpoint, payment, object, sequence, event, event_type, event_at, state, reason,
    created_at, settled_at)
  SELECT ngome.id_of('whd', v.at, v.id || e.id), v.merchant, v.world, e.id, CASE WHEN v.object ~ '^(whe|stl)_' THEN NULL ELSE v.object END,
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
