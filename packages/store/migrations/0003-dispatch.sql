-- What goes out: attempts at a network, and webhooks; and what networks tell us.

CREATE TABLE ngome.attempts (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^att_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL,
  reference uuid NOT NULL UNIQUE,
  fence integer NOT NULL CHECK (fence > 0),
  state text COLLATE "C" NOT NULL CHECK (state IN ('prepared', 'sent', 'known')),
  network_reference text COLLATE "C" CHECK (length(network_reference) <= 128),
  network_reason text COLLATE "C" CHECK (length(network_reason) <= 128),
  prepared_at timestamptz NOT NULL,
  sent_at timestamptz,
  -- When the network was first seen to have it: from then on its "not found" is never believed.
  taken_at timestamptz CHECK (taken_at IS NULL OR sent_at IS NOT NULL),
  known_at timestamptz CHECK ((state = 'known') = (known_at IS NOT NULL)),
  -- One attempt for each payment, for ever: a payment that is never sent under a second reference is never charged
  -- twice by a network that keeps its references apart.
  PRIMARY KEY (merchant, world, payment),
  UNIQUE (id),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.attempts', 'internal', '{id,merchant,world,payment,reference,fence,state,network_reference,
  network_reason,prepared_at,sent_at,taken_at,known_at}');
ALTER TABLE ngome.attempts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.attempts TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.attempts FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT ON ngome.attempts TO ngome_dispatcher;
GRANT UPDATE (fence, state, network_reference, network_reason, sent_at, taken_at, known_at) ON ngome.attempts
  TO ngome_dispatcher;

CREATE FUNCTION ngome.guard_attempt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (OLD.state, NEW.state) NOT IN (('prepared', 'prepared'), ('prepared', 'sent'), ('prepared', 'known'),
      ('sent', 'sent'), ('sent', 'known')) THEN
    RAISE EXCEPTION 'an attempt cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'NG001';
  END IF;
  IF NEW.fence < OLD.fence THEN
    RAISE EXCEPTION 'a fence never goes back' USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.payment, NEW.reference, NEW.prepared_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.payment, OLD.reference, OLD.prepared_at)
    OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at)
    OR (OLD.taken_at IS NOT NULL AND NEW.taken_at IS DISTINCT FROM OLD.taken_at) THEN
    RAISE EXCEPTION 'what an attempt is does not change' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.attempts FOR EACH ROW EXECUTE FUNCTION ngome.guard_attempt();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.attempts FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

CREATE TABLE ngome.webhook_endpoints (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^whe_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- The bound on endpoints, without counting: each takes one of the tenant's slots.
  slot smallint NOT NULL CHECK (slot BETWEEN 1 AND 10),
  url text NOT NULL CHECK (length(url) <= 512),
  data_key text COLLATE "C" NOT NULL,
  sealed_secret bytea NOT NULL CHECK (length(sealed_secret) BETWEEN 64 AND 4096),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, id),
  CONSTRAINT webhook_endpoints_slot UNIQUE (merchant, world, slot),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id)
);
CALL ngome.classify('ngome.webhook_endpoints', 'internal', '{id,merchant,world,slot,url,data_key,created_at}');
CALL ngome.classify('ngome.webhook_endpoints', 'restricted', '{sealed_secret}');
ALTER TABLE ngome.webhook_endpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.webhook_endpoints TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.webhook_endpoints FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT (id, merchant, world, slot, url, created_at), INSERT, DELETE ON ngome.webhook_endpoints TO ngome_gateway;
GRANT SELECT ON ngome.webhook_endpoints TO ngome_dispatcher;

CREATE TABLE ngome.webhook_deliveries (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^whd_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- Not a foreign key: the endpoint may be gone when its delivery is due, which then is given up.
  endpoint text COLLATE "C" NOT NULL,
  payment text COLLATE "C" NOT NULL,
  event text COLLATE "C" NOT NULL,
  event_type text COLLATE "C" NOT NULL,
  event_at timestamptz NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'given_up')),
  tries integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
  last_status smallint,
  created_at timestamptz NOT NULL,
  settled_at timestamptz CHECK ((state = 'pending') = (settled_at IS NULL)),
  PRIMARY KEY (merchant, world, id),
  UNIQUE (merchant, world, event, endpoint),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.webhook_deliveries', 'internal', '{id,merchant,world,endpoint,payment,event,event_type,
  event_at,state,tries,last_status,created_at,settled_at}');
ALTER TABLE ngome.webhook_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.webhook_deliveries TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.webhook_deliveries FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT ON ngome.webhook_deliveries TO ngome_dispatcher;
GRANT UPDATE (state, tries, last_status, settled_at) ON ngome.webhook_deliveries TO ngome_dispatcher;

CREATE TABLE ngome.callback_hints (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^cbh_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL,
  -- The bound on hints that one unguessable path can store.
  number smallint NOT NULL CHECK (number BETWEEN 1 AND 8),
  data_key text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 65536),
  received_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, payment, number),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id)
);
CALL ngome.classify('ngome.callback_hints', 'internal', '{id,merchant,world,payment,number,data_key,received_at}');
CALL ngome.classify('ngome.callback_hints', 'restricted', '{sealed}');
ALTER TABLE ngome.callback_hints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.callback_hints TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.callback_hints FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT (merchant, world, payment, number), INSERT ON ngome.callback_hints TO ngome_gateway;
GRANT SELECT ON ngome.callback_hints TO ngome_dispatcher;
