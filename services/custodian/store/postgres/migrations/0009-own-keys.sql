-- What the custodian must know by itself to make a key at a merchant's word, as store/sqlite/migrations/0011-own-keys.sql has it.

CREATE TABLE merchant_signing_keys (
  key TEXT NOT NULL PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  sha256 BYTEA NOT NULL, -- internal
  revoked_at_ms BIGINT -- internal
);
CREATE FUNCTION merchant_signing_key_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the id of a merchant''s key stays taken'; END IF;
  IF NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.sha256 <> OLD.sha256
    OR OLD.revoked_at_ms IS NOT NULL OR NEW.revoked_at_ms IS NULL THEN
    RAISE EXCEPTION 'a merchant''s key stays what was stated, and what was revoked stays so';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER merchant_signing_keys_end_once BEFORE UPDATE OR DELETE ON merchant_signing_keys
  FOR EACH ROW EXECUTE FUNCTION merchant_signing_key_ends_once();
CREATE TRIGGER merchant_signing_keys_stay BEFORE TRUNCATE ON merchant_signing_keys EXECUTE FUNCTION merchant_signing_key_ends_once();

CREATE TABLE own_key_nonces (
  signing_key TEXT NOT NULL, -- internal
  nonce TEXT NOT NULL, -- internal
  created_ms BIGINT NOT NULL, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  PRIMARY KEY (signing_key, nonce, created_ms)
);
CREATE INDEX own_key_nonces_by_tenant ON own_key_nonces (merchant, world, created_ms);
