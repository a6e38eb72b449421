-- The end that a key was given after it was issued, as store/sqlite/migrations/0010-api-key-ends.sql has it.

ALTER TABLE api_keys ADD COLUMN ends_at_ms BIGINT; -- internal
CREATE OR REPLACE FUNCTION api_key_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the id of an API key stays taken'; END IF;
  IF NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.version < OLD.version
    OR (OLD.ends_at_ms IS NOT NULL AND (NEW.ends_at_ms IS NULL OR NEW.ends_at_ms > OLD.ends_at_ms)) THEN
    RAISE EXCEPTION 'an API key goes on to a later pepper only, and to an earlier end';
  END IF;
  RETURN NEW;
END $$;
