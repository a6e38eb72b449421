-- The custodian's own store. Each column ends with its class; a test refuses one without (promise R28).

CREATE TABLE wrapped_keys ( -- everything that the root key wraps: one table, so that re-wrapping misses nothing
  purpose TEXT NOT NULL, -- internal
  name TEXT NOT NULL, -- internal
  wrapped BLOB NOT NULL, -- restricted
  created_at_ms INTEGER NOT NULL, -- internal
  PRIMARY KEY (purpose, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE authority ( -- the one certificate authority
  one INTEGER PRIMARY KEY CHECK (one = 1), -- internal
  certificate TEXT NOT NULL -- public
) STRICT;

CREATE TABLE certificates ( -- every certificate that was ever issued
  serial TEXT PRIMARY KEY, -- internal
  kind TEXT NOT NULL CHECK (kind IN ('process', 'public', 'own')), -- internal
  role TEXT NOT NULL, -- internal
  not_before_ms INTEGER NOT NULL, -- internal
  not_after_ms INTEGER NOT NULL, -- internal
  issued_at_ms INTEGER NOT NULL, -- internal
  previous_serial TEXT, -- internal
  line TEXT NOT NULL, -- internal
  signer TEXT, -- internal
  certificate TEXT NOT NULL, -- internal
  revoked_at_ms INTEGER -- internal
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_line ON certificates (line);
CREATE INDEX certificates_by_previous ON certificates (previous_serial);

CREATE TABLE enrolment_nonces ( -- tokens that were used
  nonce TEXT PRIMARY KEY, -- internal
  used_at_ms INTEGER NOT NULL -- internal
) STRICT, WITHOUT ROWID;

CREATE TABLE signers ( -- gateway processes that may sign data keys
  id TEXT PRIMARY KEY, -- internal
  public_key TEXT NOT NULL UNIQUE, -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  until_ms INTEGER NOT NULL, -- internal
  tag BLOB NOT NULL -- internal
) STRICT, WITHOUT ROWID;

CREATE TABLE tenants ( -- merchants that the operator registered, by world
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL CHECK (world IN ('test', 'live')), -- internal
  registered_at_ms INTEGER NOT NULL, -- internal
  PRIMARY KEY (merchant, world)
) STRICT, WITHOUT ROWID;

CREATE TABLE merchant_keys ( -- the public half with its signed statement; the private half is in wrapped_keys
  id TEXT PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  retention TEXT NOT NULL, -- internal
  period INTEGER NOT NULL, -- internal
  statement BLOB NOT NULL, -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  UNIQUE (merchant, world, retention, period),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets ( -- how often something was opened within its window
  purpose TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  used INTEGER NOT NULL CHECK (used > 0), -- internal
  ends_at_ms INTEGER NOT NULL, -- internal
  PRIMARY KEY (purpose, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_by_end ON budgets (ends_at_ms);

CREATE TABLE log ( -- what was asked of the custodian and what it answered; a chain of hashes
  sequence INTEGER PRIMARY KEY, -- internal
  at_ms INTEGER NOT NULL, -- internal
  caller TEXT NOT NULL, -- internal
  operation TEXT NOT NULL, -- internal
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'refused')), -- internal
  reason TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  previous BLOB NOT NULL, -- internal
  hash BLOB NOT NULL -- internal
) STRICT;
CREATE TRIGGER log_keeps_rows BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER log_keeps_values BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
