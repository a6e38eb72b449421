-- The life of every key: where it stands, since when, and what may follow. A wrapped key names its root.

CREATE TABLE key_transitions ( -- the only moves there are; key-life/key-states.ts says the same, and a test compares them
  from_state TEXT NOT NULL, -- internal
  to_state TEXT NOT NULL, -- internal
  PRIMARY KEY (from_state, to_state)
) STRICT, WITHOUT ROWID;
INSERT INTO key_transitions (from_state, to_state) VALUES
  ('pending', 'active'), ('pending', 'compromised'), ('pending', 'destroyed'),
  ('active', 'decrypt-only'), ('active', 'compromised'),
  ('decrypt-only', 'compromised'), ('decrypt-only', 'destroyed'),
  ('compromised', 'destroyed');

CREATE TABLE key_lives ( -- a row for each key that ever was; it outlives the key
  purpose TEXT NOT NULL, -- internal
  name TEXT NOT NULL, -- internal
  state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'decrypt-only', 'compromised', 'destroyed')), -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  active_at_ms INTEGER, -- internal
  decrypt_only_at_ms INTEGER, -- internal
  compromised_at_ms INTEGER, -- internal
  destroyed_at_ms INTEGER, -- internal
  due_at_ms INTEGER, -- internal
  PRIMARY KEY (purpose, name),
  CHECK (state <> 'active' OR active_at_ms IS NOT NULL),
  CHECK (state <> 'decrypt-only' OR decrypt_only_at_ms IS NOT NULL),
  CHECK (state <> 'compromised' OR compromised_at_ms IS NOT NULL),
  CHECK ((state = 'destroyed') = (destroyed_at_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX key_lives_due ON key_lives (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE TRIGGER key_lives_begin BEFORE INSERT ON key_lives WHEN NEW.state NOT IN ('pending', 'active')
  BEGIN SELECT RAISE(ABORT, 'a key begins pending or active'); END;
CREATE TRIGGER key_lives_move BEFORE UPDATE ON key_lives
  WHEN NEW.purpose <> OLD.purpose OR NEW.name <> OLD.name OR (NEW.state <> OLD.state AND NOT EXISTS
    (SELECT 1 FROM key_transitions WHERE from_state = OLD.state AND to_state = NEW.state))
  BEGIN SELECT RAISE(ABORT, 'a key does not move so'); END;
CREATE TRIGGER key_lives_stay BEFORE DELETE ON key_lives
  BEGIN SELECT RAISE(ABORT, 'the life of a key stays on record'); END;

-- What is older than this migration: merchant keys stand where their statements say, which the first look finds out.
INSERT INTO key_lives (purpose, name, state, created_at_ms, due_at_ms)
  SELECT purpose, name, 'pending', created_at_ms, 0 FROM wrapped_keys WHERE purpose = 'merchant';
INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms)
  SELECT purpose, name, 'active', created_at_ms, created_at_ms FROM wrapped_keys WHERE purpose <> 'merchant';

ALTER TABLE wrapped_keys RENAME TO former_wrapped_keys;
CREATE TABLE wrapped_keys ( -- everything that the root key wraps: one table, so that re-wrapping misses nothing
  purpose TEXT NOT NULL, -- internal
  name TEXT NOT NULL, -- internal
  wrapped BLOB NOT NULL, -- restricted
  root TEXT NOT NULL, -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  PRIMARY KEY (purpose, name),
  FOREIGN KEY (purpose, name) REFERENCES key_lives (purpose, name)
) STRICT, WITHOUT ROWID;
INSERT INTO wrapped_keys SELECT purpose, name, wrapped, '', created_at_ms FROM former_wrapped_keys;
DROP TABLE former_wrapped_keys;
CREATE INDEX wrapped_keys_by_root ON wrapped_keys (root);
CREATE TRIGGER wrapped_keys_of_the_living BEFORE INSERT ON wrapped_keys WHEN EXISTS
    (SELECT 1 FROM key_lives WHERE purpose = NEW.purpose AND name = NEW.name AND state = 'destroyed')
  BEGIN SELECT RAISE(ABORT, 'a destroyed key does not come back'); END;

ALTER TABLE merchant_keys RENAME TO former_merchant_keys;
CREATE TABLE merchant_keys ( -- the public half with its signed statement; the private half is in wrapped_keys
  id TEXT PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  retention TEXT NOT NULL, -- internal
  period INTEGER NOT NULL, -- internal
  generation INTEGER NOT NULL, -- internal
  statement BLOB NOT NULL, -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  UNIQUE (merchant, world, retention, period, generation),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
) STRICT, WITHOUT ROWID;
INSERT INTO merchant_keys
  SELECT id, merchant, world, retention, period, 1, statement, created_at_ms FROM former_merchant_keys;
DROP TABLE former_merchant_keys;

CREATE TABLE ended_tenants ( -- tenants whose keys were all destroyed: they get none again
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  ended_at_ms INTEGER NOT NULL, -- internal
  PRIMARY KEY (merchant, world),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
) STRICT, WITHOUT ROWID;

CREATE TABLE rotations ( -- replacements of keys: those that ran, and the one that runs
  id TEXT PRIMARY KEY, -- internal
  level TEXT NOT NULL CHECK (level IN ('root', 'merchant')), -- internal
  subject TEXT NOT NULL, -- internal
  cause TEXT NOT NULL CHECK (cause IN ('demand', 'policy', 'compromise', 'destruction')), -- internal
  state TEXT NOT NULL CHECK (state IN ('running', 'done')), -- internal
  total INTEGER NOT NULL, -- internal
  done INTEGER NOT NULL, -- internal
  started_at_ms INTEGER NOT NULL, -- internal
  ended_at_ms INTEGER, -- internal
  CHECK ((state = 'done') = (ended_at_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX rotations_one_root ON rotations (level) WHERE state = 'running' AND level = 'root';

CREATE TABLE destructions ( -- keys that are to be destroyed, or were
  id TEXT PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  merchant_key TEXT, -- internal
  state TEXT NOT NULL CHECK (state IN ('waiting', 'cancelled', 'deleted', 'done')), -- internal
  approved_by TEXT NOT NULL, -- internal
  requested_at_ms INTEGER NOT NULL, -- internal
  due_at_ms INTEGER NOT NULL, -- internal
  deleted_at_ms INTEGER, -- internal
  destroyed_keys TEXT, -- internal
  rotation TEXT REFERENCES rotations (id), -- internal
  certificate TEXT, -- internal
  CHECK ((state = 'done') = (certificate IS NOT NULL)),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
) STRICT, WITHOUT ROWID;
CREATE INDEX destructions_by_state ON destructions (state, due_at_ms);
