-- The life of every key, as store/sqlite/migrations/0004-key-life.sql has it.

CREATE TABLE key_transitions ( -- the only moves there are; key-life/key-states.ts says the same, and a test compares them
  from_state TEXT NOT NULL, -- internal
  to_state TEXT NOT NULL, -- internal
  PRIMARY KEY (from_state, to_state)
);
INSERT INTO key_transitions (from_state, to_state) VALUES
  ('pending', 'active'), ('pending', 'compromised'), ('pending', 'destroyed'),
  ('active', 'decrypt-only'), ('active', 'compromised'),
  ('decrypt-only', 'compromised'), ('decrypt-only', 'destroyed'),
  ('compromised', 'destroyed');

CREATE TABLE key_lives ( -- a row for each key that ever was; it outlives the key
  purpose TEXT COLLATE "C" NOT NULL, -- internal
  name TEXT COLLATE "C" NOT NULL, -- internal
  state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'decrypt-only', 'compromised', 'destroyed')), -- internal
  created_at_ms BIGINT NOT NULL, -- internal
  active_at_ms BIGINT, -- internal
  decrypt_only_at_ms BIGINT, -- internal
  compromised_at_ms BIGINT, -- internal
  destroyed_at_ms BIGINT, -- internal
  due_at_ms BIGINT, -- internal
  PRIMARY KEY (purpose, name),
  CHECK (state <> 'active' OR active_at_ms IS NOT NULL),
  CHECK (state <> 'decrypt-only' OR decrypt_only_at_ms IS NOT NULL),
  CHECK (state <> 'compromised' OR compromised_at_ms IS NOT NULL),
  CHECK ((state = 'destroyed') = (destroyed_at_ms IS NOT NULL))
);
CREATE INDEX key_lives_due ON key_lives (due_at_ms) WHERE due_at_ms IS NOT NULL;
CREATE FUNCTION key_life_moves() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state NOT IN ('pending', 'active') THEN RAISE EXCEPTION 'a key begins pending or active'; END IF;
    RETURN NEW;
  END IF;
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the life of a key stays on record'; END IF;
  IF NEW.purpose <> OLD.purpose OR NEW.name <> OLD.name OR (NEW.state <> OLD.state AND NOT EXISTS
    (SELECT 1 FROM key_transitions WHERE from_state = OLD.state AND to_state = NEW.state)) THEN
    RAISE EXCEPTION 'a key does not move so';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER key_lives_move BEFORE INSERT OR UPDATE OR DELETE ON key_lives
  FOR EACH ROW EXECUTE FUNCTION key_life_moves();
CREATE TRIGGER key_lives_stay BEFORE TRUNCATE ON key_lives EXECUTE FUNCTION key_life_moves();

INSERT INTO key_lives (purpose, name, state, created_at_ms, due_at_ms)
  SELECT purpose, name, 'pending', created_at_ms, 0 FROM wrapped_keys WHERE purpose = 'merchant';
INSERT INTO key_lives (purpose, name, state, created_at_ms, active_at_ms)
  SELECT purpose, name, 'active', created_at_ms, created_at_ms FROM wrapped_keys WHERE purpose <> 'merchant';

ALTER TABLE wrapped_keys ADD COLUMN root TEXT NOT NULL DEFAULT '', -- internal
  ADD FOREIGN KEY (purpose, name) REFERENCES key_lives (purpose, name);
CREATE INDEX wrapped_keys_by_root ON wrapped_keys (root);
CREATE FUNCTION wrapped_key_lives() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM key_lives WHERE purpose = NEW.purpose AND name = NEW.name AND state = 'destroyed') THEN
    RAISE EXCEPTION 'a destroyed key does not come back';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER wrapped_keys_of_the_living BEFORE INSERT ON wrapped_keys
  FOR EACH ROW EXECUTE FUNCTION wrapped_key_lives();

ALTER TABLE merchant_keys ADD COLUMN generation BIGINT NOT NULL DEFAULT 1, -- internal
  DROP CONSTRAINT merchant_keys_merchant_world_retention_period_key,
  ADD UNIQUE (merchant, world, retention, period, generation);

CREATE TABLE ended_tenants ( -- tenants whose keys were all destroyed: they get none again
  merchant TEXT COLLATE "C" NOT NULL, -- internal
  world TEXT COLLATE "C" NOT NULL, -- internal
  ended_at_ms BIGINT NOT NULL, -- internal
  PRIMARY KEY (merchant, world),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
);

CREATE TABLE rotations ( -- replacements of keys: those that ran, and the one that runs
  id TEXT PRIMARY KEY, -- internal
  level TEXT NOT NULL CHECK (level IN ('root', 'merchant')), -- internal
  subject TEXT NOT NULL, -- internal
  cause TEXT NOT NULL CHECK (cause IN ('demand', 'policy', 'compromise', 'destruction')), -- internal
  state TEXT NOT NULL CHECK (state IN ('running', 'done')), -- internal
  total BIGINT NOT NULL, -- internal
  done BIGINT NOT NULL, -- internal
  started_at_ms BIGINT NOT NULL, -- internal
  ended_at_ms BIGINT, -- internal
  CHECK ((state = 'done') = (ended_at_ms IS NOT NULL))
);
CREATE UNIQUE INDEX rotations_one_root ON rotations (level) WHERE state = 'running' AND level = 'root';

CREATE TABLE destructions ( -- keys that are to be destroyed, or were
  id TEXT PRIMARY KEY, -- internal
  merchant TEXT COLLATE "C" NOT NULL, -- internal
  world TEXT COLLATE "C" NOT NULL, -- internal
  merchant_key TEXT, -- internal
  state TEXT NOT NULL CHECK (state IN ('waiting', 'cancelled', 'deleted', 'done')), -- internal
  approved_by TEXT NOT NULL, -- internal
  requested_at_ms BIGINT NOT NULL, -- internal
  due_at_ms BIGINT NOT NULL, -- internal
  deleted_at_ms BIGINT, -- internal
  destroyed_keys TEXT, -- internal
  rotation TEXT REFERENCES rotations (id), -- internal
  certificate TEXT, -- internal
  CHECK ((state = 'done') = (certificate IS NOT NULL)),
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
);
CREATE INDEX destructions_by_state ON destructions (state, due_at_ms);
