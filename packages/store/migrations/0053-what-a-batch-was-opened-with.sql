-- What its merchant signed to open a batch, and the one batch that each reference names: whoever holds the gateway and denies a batch
-- cannot have the same rows signed for a second one and pay both.

CREATE TABLE ngome.payout_batch_openings (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  batch text COLLATE "C" NOT NULL,
  reference text COLLATE "C" NOT NULL,
  -- The signature of the request, which covers its idempotency key, and its body.
  sealed bytea NOT NULL CHECK (length(sealed) BETWEEN 64 AND 16384),
  data_key text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, batch),
  CONSTRAINT payout_batch_openings_once UNIQUE (merchant, world, reference),
  FOREIGN KEY (merchant, world, batch) REFERENCES ngome.payout_batches (merchant, world, id),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id)
);
CALL ngome.classify('ngome.payout_batch_openings', 'internal', '{merchant,world,batch,reference,data_key,created_at}');
CALL ngome.classify('ngome.payout_batch_openings', 'restricted', '{sealed}');
ALTER TABLE ngome.payout_batch_openings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_batch_openings TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_batch_openings FOR SELECT TO ngome_auditor USING (true);
GRANT INSERT, SELECT (merchant, world, batch, reference, created_at) ON ngome.payout_batch_openings TO ngome_gateway;
GRANT SELECT ON ngome.payout_batch_openings TO ngome_dispatcher, ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_batch_openings FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- Which batch the dispatcher once took for a reference, and what was declared of it, as it was signed: one of each, for ever.
CREATE TABLE ngome.payout_batch_words (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  reference text COLLATE "C" NOT NULL,
  batch text COLLATE "C" NOT NULL,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  declared_count integer NOT NULL CHECK (declared_count > 0),
  declared_minor bigint NOT NULL CHECK (declared_minor > 0),
  signing_key text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, reference),
  UNIQUE (merchant, world, batch)
);
CALL ngome.classify('ngome.payout_batch_words', 'internal', '{merchant,world,reference,batch,currency,declared_count,declared_minor,signing_key,at}');
ALTER TABLE ngome.payout_batch_words ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payout_batch_words TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payout_batch_words FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT ON ngome.payout_batch_words TO ngome_dispatcher;
GRANT SELECT ON ngome.payout_batch_words TO ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payout_batch_words FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

-- How many rows were signed of it; none is said of parts that were counted before. The digest of a part is a MAC from now on: the hash of
-- a body of few rows would let whoever reads the database try all numbers.
ALTER TABLE ngome.payout_part_words ADD COLUMN row_count integer NOT NULL DEFAULT 0 CHECK (row_count >= 0);
CALL ngome.classify('ngome.payout_part_words', 'internal', '{row_count}');
