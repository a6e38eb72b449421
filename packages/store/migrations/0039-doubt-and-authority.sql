-- What becomes of what was sent when nobody can say whether it arrived, and whose word a payout was sent on.

-- When somebody was told that a person has to ask the network.
ALTER TABLE ngome.attempts ADD COLUMN stuck_at timestamptz;
CALL ngome.classify('ngome.attempts', 'internal', '{stuck_at}');
GRANT UPDATE (stuck_at) ON ngome.attempts TO ngome_dispatcher;

-- Which payment each word of a merchant was counted for: a request that was signed once orders once, whoever seals it again.
CREATE TABLE ngome.payment_authorizations (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- SHA-256 of the bytes that were signed, which hold key, nonce and time.
  digest bytea NOT NULL CHECK (length(digest) = 32),
  payment text COLLATE "C" NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, digest),
  UNIQUE (merchant, world, payment),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id)
);
CALL ngome.classify('ngome.payment_authorizations', 'internal', '{merchant,world,digest,payment,at}');
ALTER TABLE ngome.payment_authorizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.payment_authorizations TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.payment_authorizations FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT ON ngome.payment_authorizations TO ngome_dispatcher;
GRANT SELECT ON ngome.payment_authorizations TO ngome_auditor;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON ngome.payment_authorizations FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();
