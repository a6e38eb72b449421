-- The store of a pair of custodians: the tables of store/sqlite/migrations, in PostgreSQL's types. Each column ends with
-- its class; a test refuses one without (promise R28).

CREATE TABLE wrapped_keys ( -- everything that the root key wraps: one table, so that re-wrapping misses nothing
  purpose TEXT NOT NULL, -- internal
  name TEXT NOT NULL, -- internal
  wrapped BYTEA NOT NULL, -- restricted
  created_at_ms BIGINT NOT NULL, -- internal
  PRIMARY KEY (purpose, name)
);

CREATE TABLE authority ( -- the one certificate authority
  one BIGINT PRIMARY KEY CHECK (one = 1), -- internal
  certificate TEXT NOT NULL -- public
);

CREATE TABLE certificates ( -- every certificate that was ever issued
  serial TEXT PRIMARY KEY, -- internal
  kind TEXT NOT NULL CHECK (kind IN ('process', 'public', 'own')), -- internal
  role TEXT NOT NULL, -- internal
  not_before_ms BIGINT NOT NULL, -- internal
  not_after_ms BIGINT NOT NULL, -- internal
  issued_at_ms BIGINT NOT NULL, -- internal
  previous_serial TEXT, -- internal
  line TEXT NOT NULL, -- internal
  signer TEXT, -- internal
  certificate TEXT NOT NULL, -- internal
  revoked_at_ms BIGINT -- internal
);
CREATE INDEX certificates_by_line ON certificates (line);
CREATE INDEX certificates_by_previous ON certificates (previous_serial);

CREATE TABLE enrolment_nonces ( -- tokens that were used
  nonce TEXT PRIMARY KEY, -- internal
  used_at_ms BIGINT NOT NULL -- internal
);

CREATE TABLE signers ( -- gateway processes that may sign data keys
  id TEXT PRIMARY KEY, -- internal
  public_key TEXT NOT NULL UNIQUE, -- internal
  created_at_ms BIGINT NOT NULL, -- internal
  until_ms BIGINT NOT NULL, -- internal
  revoked_at_ms BIGINT, -- internal
  trusted_before_ms BIGINT, -- internal
  tag BYTEA NOT NULL -- internal
);

CREATE TABLE seen_data_keys ( -- sealed data keys that were opened, by the hash of their bytes
  hash BYTEA PRIMARY KEY, -- internal
  first_at_ms BIGINT NOT NULL -- internal
);

CREATE TABLE tenants ( -- merchants that the operator registered, by world; in byte order, as SQLite has it
  merchant TEXT COLLATE "C" NOT NULL, -- internal
  world TEXT COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')), -- internal
  registered_at_ms BIGINT NOT NULL, -- internal
  PRIMARY KEY (merchant, world)
);

CREATE TABLE merchant_keys ( -- the public half with its signed statement; the private half is in wrapped_keys
  id TEXT PRIMARY KEY, -- internal
  merchant TEXT COLLATE "C" NOT NULL, -- internal
  world TEXT COLLATE "C" NOT NULL, -- internal
  retention TEXT NOT NULL, -- internal
  period BIGINT NOT NULL, -- internal
  statement BYTEA NOT NULL, -- internal
  created_at_ms BIGINT NOT NULL, -- internal
  UNIQUE (merchant, world, retention, period),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
);

CREATE TABLE budgets ( -- how often something was opened within its window
  purpose TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  used BIGINT NOT NULL CHECK (used > 0), -- internal
  ends_at_ms BIGINT NOT NULL, -- internal
  PRIMARY KEY (purpose, subject)
);
CREATE INDEX budgets_by_end ON budgets (ends_at_ms);

CREATE TABLE log ( -- what was asked of the custodian and what it answered; a chain of hashes
  sequence BIGINT PRIMARY KEY, -- internal
  at_ms BIGINT NOT NULL, -- internal
  caller TEXT NOT NULL, -- internal
  operation TEXT NOT NULL, -- internal
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'refused')), -- internal
  reason TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  previous BYTEA NOT NULL, -- internal
  hash BYTEA NOT NULL -- internal
);
CREATE FUNCTION log_only_grows() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the log only grows'; END $$;
CREATE TRIGGER log_keeps_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON log EXECUTE FUNCTION log_only_grows();

CREATE TABLE staff ( -- people, each with the public half of a key of his own
  id TEXT PRIMARY KEY, -- internal
  name TEXT NOT NULL, -- internal
  public_key TEXT NOT NULL UNIQUE, -- internal
  admitted_by TEXT NOT NULL, -- internal
  admitted_at_ms BIGINT NOT NULL, -- internal
  retired_at_ms BIGINT, -- internal
  tag BYTEA NOT NULL -- internal
);

CREATE TABLE approvals ( -- approvals that were used, whole, so that anybody can check them again
  nonce TEXT PRIMARY KEY, -- internal
  request TEXT NOT NULL, -- internal
  signatures TEXT NOT NULL, -- internal
  used_at_ms BIGINT NOT NULL -- internal
);

CREATE TABLE staff_certificates ( -- certificates of the role operator that a person enrolled for
  serial TEXT PRIMARY KEY REFERENCES certificates (serial), -- internal
  staff TEXT NOT NULL REFERENCES staff (id) -- internal
);
