-- Secrets are replaced by versions; the custodian knows which API keys still hang on which pepper.

CREATE TABLE rotation_levels ( -- what a rotation may replace; a later migration adds a row
  level TEXT PRIMARY KEY -- internal
) STRICT, WITHOUT ROWID;
INSERT INTO rotation_levels (level) VALUES ('root'), ('merchant'), ('secret');

-- SQLite changes no CHECK: both tables are made anew, since one names the other.
ALTER TABLE destructions RENAME TO former_destructions;
ALTER TABLE rotations RENAME TO former_rotations;
CREATE TABLE rotations ( -- replacements of keys: those that ran, and those that run
  id TEXT PRIMARY KEY, -- internal
  level TEXT NOT NULL REFERENCES rotation_levels (level), -- internal
  subject TEXT NOT NULL, -- internal
  cause TEXT NOT NULL CHECK (cause IN ('demand', 'policy', 'compromise', 'destruction')), -- internal
  state TEXT NOT NULL CHECK (state IN ('running', 'done')), -- internal
  total INTEGER NOT NULL, -- internal
  done INTEGER NOT NULL, -- internal
  started_at_ms INTEGER NOT NULL, -- internal
  ended_at_ms INTEGER, -- internal
  CHECK ((state = 'done') = (ended_at_ms IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO rotations
  SELECT id, level, subject, cause, state, total, done, started_at_ms, ended_at_ms FROM former_rotations;
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
INSERT INTO destructions SELECT id, merchant, world, merchant_key, state, approved_by, requested_at_ms, due_at_ms,
  deleted_at_ms, destroyed_keys, rotation, certificate FROM former_destructions;
DROP TABLE former_destructions;
DROP TABLE former_rotations;
CREATE UNIQUE INDEX rotations_one_root ON rotations (level) WHERE state = 'running' AND level = 'root';
CREATE INDEX destructions_by_state ON destructions (state, due_at_ms);

CREATE TABLE api_keys ( -- the pepper under which the database holds each API key, as far as anybody has shown it
  key TEXT PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  version INTEGER NOT NULL CHECK (version > 0), -- internal
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_by_version ON api_keys (version);
CREATE TRIGGER api_keys_stay BEFORE DELETE ON api_keys
  BEGIN SELECT RAISE(ABORT, 'the id of an API key stays taken'); END;
CREATE TRIGGER api_keys_go_on BEFORE UPDATE ON api_keys
  WHEN NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.version < OLD.version
  BEGIN SELECT RAISE(ABORT, 'an API key goes on to a later pepper only'); END;
