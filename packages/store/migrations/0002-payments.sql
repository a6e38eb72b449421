-- Payments, the ledger and idempotency: what one acceptance writes.

CREATE TABLE ngome.data_keys (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^dek_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  retention text COLLATE "C" NOT NULL CHECK (retention IN ('payment', 'credential')),
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 8192),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, id)
);
CALL ngome.classify('ngome.data_keys', 'internal', '{id,merchant,world,retention,created_at}');
CALL ngome.classify('ngome.data_keys', 'restricted', '{sealed}');
ALTER TABLE ngome.data_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.data_keys TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.data_keys FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT ON ngome.data_keys TO ngome_gateway;
GRANT SELECT ON ngome.data_keys TO ngome_dispatcher;

-- The same table as packages/payments; a test compares them.
CREATE TABLE ngome.payment_transitions (
  from_status text COLLATE "C" NOT NULL,
  to_status text COLLATE "C" NOT NULL,
  PRIMARY KEY (from_status, to_status)
);
INSERT INTO ngome.payment_transitions VALUES
  ('accepted', 'processing'), ('accepted', 'failed'), ('processing', 'succeeded'), ('processing', 'failed');
CALL ngome.classify('ngome.payment_transitions', 'public', '{from_status,to_status}');

CREATE TABLE ngome.payments (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^pay_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  status text COLLATE "C" NOT NULL CHECK (status IN ('accepted', 'processing', 'succeeded', 'failed')),
  failure text COLLATE "C",
  direction text COLLATE "C" NOT NULL CHECK (direction = 'collection'),
  network text COLLATE "C" NOT NULL CHECK (length(network) <= 32),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference text COLLATE "C" NOT NULL CHECK (length(reference) BETWEEN 1 AND 64),
  payer_masked text NOT NULL CHECK (payer_masked ~ '^(\+[0-9]{1,3})?•••([0-9]{3})?$'),
  api_key text COLLATE "C" NOT NULL,
  data_key text COLLATE "C" NOT NULL,
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 4096),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, id),
  -- For the transfer to refer to: the ledger moves the payment's own money.
  UNIQUE (merchant, world, id, amount_minor, currency),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id),
  CHECK ((status = 'failed') = (failure IS NOT NULL))
);
CREATE INDEX payments_by_status ON ngome.payments (merchant, world, status, id);
-- What has not reached its end, for the search of payments that were left behind.
CREATE INDEX payments_open ON ngome.payments (created_at) WHERE status IN ('accepted', 'processing');
CALL ngome.classify('ngome.payments', 'internal', '{id,merchant,world,status,failure,direction,network,currency,
  amount_minor,reference,payer_masked,api_key,data_key,created_at,updated_at}');
CALL ngome.classify('ngome.payments', 'restricted', '{sealed}');
ALTER TABLE ngome.payments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payments TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payments FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_open_payments_reads ON ngome.payments FOR SELECT TO ngome_migrator USING (true);
-- The gateway writes sealed data and never needs it back.
GRANT SELECT (id, merchant, world, status, failure, direction, network, currency, amount_minor, reference,
  payer_masked, created_at, updated_at), INSERT ON ngome.payments TO ngome_gateway;
GRANT SELECT ON ngome.payments TO ngome_dispatcher;
GRANT UPDATE (status, failure, updated_at) ON ngome.payments TO ngome_dispatcher;

-- Enters the tenant and reads in one statement, as the caller: row-level security and grants are the caller's own. The
-- settings end with the statement's transaction.
CREATE FUNCTION ngome.read_payments(of_merchant text, of_world text, ids text[])
RETURNS TABLE (id text, status text, failure text, network text, currency text, amount_minor bigint, reference text,
  payer_masked text, created_at_ms bigint, updated_at_ms bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('ngome.merchant', of_merchant, true), set_config('ngome.world', of_world, true);
  RETURN QUERY SELECT p.id, p.status, p.failure, p.network, p.currency, p.amount_minor, p.reference, p.payer_masked,
      (extract(epoch FROM p.created_at) * 1000)::bigint, (extract(epoch FROM p.updated_at) * 1000)::bigint
    FROM ngome.payments p WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = ANY (ids);
END $$;
GRANT EXECUTE ON FUNCTION ngome.read_payments TO ngome_gateway;

CREATE FUNCTION ngome.guard_payment() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'accepted' THEN
      RAISE EXCEPTION 'a payment begins as accepted' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.direction, NEW.network, NEW.currency, NEW.amount_minor, NEW.reference,
      NEW.payer_masked, NEW.api_key, NEW.data_key, NEW.sealed, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.direction, OLD.network, OLD.currency, OLD.amount_minor,
      OLD.reference, OLD.payer_masked, OLD.api_key, OLD.data_key, OLD.sealed, OLD.created_at) THEN
    RAISE EXCEPTION 'only the status of a payment changes' USING ERRCODE = 'NG002';
  END IF;
  IF NOT EXISTS (
    SELECT FROM ngome.payment_transitions t WHERE t.from_status = OLD.status AND t.to_status = NEW.status
  ) THEN
    RAISE EXCEPTION 'a payment cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.payments FOR EACH ROW EXECUTE FUNCTION ngome.guard_payment();
GRANT SELECT ON ngome.payment_transitions TO ngome_dispatcher;

-- For tables whose rows stay for ever, whoever asks.
CREATE FUNCTION ngome.refuse_removal() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never removed', TG_TABLE_NAME USING ERRCODE = 'NG003';
END $$;
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.payments FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

CREATE TABLE ngome.accounts (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^acc_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('merchant_available', 'provider_clearing')),
  network text COLLATE "C" NOT NULL CHECK ((kind = 'provider_clearing') = (network <> '')),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  PRIMARY KEY (merchant, world, id),
  -- For the transfer to refer to.
  UNIQUE (merchant, world, id, kind, currency),
  UNIQUE (merchant, world, kind, network, currency)
);
CALL ngome.classify('ngome.accounts', 'internal', '{id,merchant,world,kind,network,currency}');
ALTER TABLE ngome.accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.accounts TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.accounts FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT (id, merchant, world), INSERT ON ngome.accounts TO ngome_gateway;

CREATE TABLE ngome.transfers (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^trf_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL CHECK (kind = 'collection'),
  debit_account text COLLATE "C" NOT NULL,
  credit_account text COLLATE "C" NOT NULL CHECK (credit_account <> debit_account),
  -- A collection moves what the network owes us to what we owe the merchant; nobody writes these two.
  debit_kind text COLLATE "C" NOT NULL DEFAULT 'provider_clearing' CHECK (debit_kind = 'provider_clearing'),
  credit_kind text COLLATE "C" NOT NULL DEFAULT 'merchant_available' CHECK (credit_kind = 'merchant_available'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
  created_at timestamptz NOT NULL,
  settled_at timestamptz CHECK ((state = 'pending') = (settled_at IS NULL)),
  PRIMARY KEY (merchant, world, payment, kind),
  UNIQUE (id),
  FOREIGN KEY (merchant, world, payment, amount_minor, currency)
    REFERENCES ngome.payments (merchant, world, id, amount_minor, currency),
  FOREIGN KEY (merchant, world, debit_account, debit_kind, currency)
    REFERENCES ngome.accounts (merchant, world, id, kind, currency),
  FOREIGN KEY (merchant, world, credit_account, credit_kind, currency)
    REFERENCES ngome.accounts (merchant, world, id, kind, currency)
);
CALL ngome.classify('ngome.transfers', 'internal', '{id,merchant,world,payment,kind,debit_account,credit_account,
  debit_kind,credit_kind,amount_minor,currency,state,created_at,settled_at}');
ALTER TABLE ngome.transfers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.transfers TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.transfers FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT ON ngome.transfers TO ngome_gateway;
GRANT SELECT (merchant, world, payment, state) ON ngome.transfers TO ngome_dispatcher;
GRANT UPDATE (state, settled_at) ON ngome.transfers TO ngome_dispatcher;

CREATE FUNCTION ngome.guard_transfer() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'pending' THEN
      RAISE EXCEPTION 'a transfer begins as pending' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.payment, NEW.kind, NEW.debit_account, NEW.credit_account, NEW.amount_minor,
      NEW.currency, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.payment, OLD.kind, OLD.debit_account, OLD.credit_account,
      OLD.amount_minor, OLD.currency, OLD.created_at) THEN
    RAISE EXCEPTION 'only the state of a transfer changes' USING ERRCODE = 'NG002';
  END IF;
  IF OLD.state <> 'pending' OR NEW.state NOT IN ('posted', 'voided') THEN
    RAISE EXCEPTION 'a transfer cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.transfers FOR EACH ROW EXECUTE FUNCTION ngome.guard_transfer();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.transfers FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

CREATE TABLE ngome.idempotency (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
  fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
  status smallint NOT NULL CHECK (status BETWEEN 200 AND 299),
  body text NOT NULL CHECK (length(body) <= 16384),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, key_hash)
) PARTITION BY HASH (key_hash);
CALL ngome.classify('ngome.idempotency', 'internal', '{merchant,world,key_hash,fingerprint,status,created_at}');
CALL ngome.classify('ngome.idempotency', 'confidential', '{body}');
DO $$
BEGIN
  FOR part IN 0..15 LOOP
    EXECUTE format('CREATE TABLE ngome.idempotency_%s PARTITION OF ngome.idempotency
      FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part);
  END LOOP;
END $$;
ALTER TABLE ngome.idempotency ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.idempotency TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.idempotency FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY purge_reads ON ngome.idempotency FOR SELECT TO ngome_migrator USING (true);
CREATE POLICY purge_deletes ON ngome.idempotency FOR DELETE TO ngome_migrator USING (true);
GRANT SELECT, INSERT ON ngome.idempotency TO ngome_gateway;

-- Forgets answers after 30 days, a bounded number at each call.
CREATE FUNCTION ngome.purge_idempotency() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  removed integer;
BEGIN
  DELETE FROM ngome.idempotency i USING (
    SELECT merchant, world, key_hash FROM ngome.idempotency WHERE created_at < now() - interval '30 days' LIMIT 10000
  ) old WHERE i.merchant = old.merchant AND i.world = old.world AND i.key_hash = old.key_hash;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
GRANT EXECUTE ON FUNCTION ngome.purge_idempotency TO ngome_dispatcher;
CREATE INDEX idempotency_by_age ON ngome.idempotency USING brin (created_at);

-- Payments that should have reached their end long ago: the dispatcher gives each a job again.
CREATE FUNCTION ngome.find_open_payments(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.merchant, p.world, p.id FROM ngome.payments p
  WHERE p.status IN ('accepted', 'processing')
    AND p.created_at < now() - older_than AND p.updated_at < now() - older_than
  ORDER BY p.created_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_open_payments TO ngome_dispatcher;
