-- The end that a key was given after it was issued. Whoever puts a row from before that back has no say in it here.

ALTER TABLE api_keys ADD COLUMN ends_at_ms INTEGER; -- internal
DROP TRIGGER api_keys_go_on;
CREATE TRIGGER api_keys_go_on BEFORE UPDATE ON api_keys
  WHEN NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.version < OLD.version
    OR (OLD.ends_at_ms IS NOT NULL AND (NEW.ends_at_ms IS NULL OR NEW.ends_at_ms > OLD.ends_at_ms))
  BEGIN SELECT RAISE(ABORT, 'an API key goes on to a later pepper only, and to an earlier end'); END;
