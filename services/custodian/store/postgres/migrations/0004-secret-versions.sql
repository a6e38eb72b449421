-- Secrets are replaced by versions, as store/sqlite/migrations/0006-secret-versions.sql has it.

CREATE TABLE rotation_levels ( -- what a rotation may replace; a later migration adds a row
  level TEXT PRIMARY KEY -- internal
);
INSERT INTO rotation_levels (level) VALUES ('root'), ('merchant'), ('secret');
ALTER TABLE rotations DROP CONSTRAINT rotations_level_check, ADD FOREIGN KEY (level) REFERENCES rotation_levels (level);

CREATE TABLE api_keys ( -- the pepper under which the database holds each API key, as far as anybody has shown it
  key TEXT PRIMARY KEY, -- internal
  merchant TEXT COLLATE "C" NOT NULL, -- internal
  world TEXT COLLATE "C" NOT NULL, -- internal
  version BIGINT NOT NULL CHECK (version > 0), -- internal
  FOREIGN KEY (merchant, world) REFERENCES tenants (merchant, world)
);
CREATE INDEX api_keys_by_version ON api_keys (version);
CREATE FUNCTION api_key_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the id of an API key stays taken'; END IF;
  IF NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.version < OLD.version THEN
    RAISE EXCEPTION 'an API key goes on to a later pepper only';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER api_keys_go_on BEFORE UPDATE OR DELETE ON api_keys FOR EACH ROW EXECUTE FUNCTION api_key_goes_on();
CREATE TRIGGER api_keys_stay BEFORE TRUNCATE ON api_keys EXECUTE FUNCTION api_key_goes_on();
