-- What the custodian must know by itself to make a key at a merchant's word: which signing keys it stated and which of them
-- were revoked, and the nonces of the requests that made something.

CREATE TABLE merchant_signing_keys (
  key TEXT NOT NULL PRIMARY KEY, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  -- Of the custodian's signature, which stands for the key, its uses and its end.
  sha256 BLOB NOT NULL, -- internal
  revoked_at_ms INTEGER -- internal
) STRICT;
CREATE TRIGGER merchant_signing_keys_end_once BEFORE UPDATE ON merchant_signing_keys
  WHEN NEW.key <> OLD.key OR NEW.merchant <> OLD.merchant OR NEW.world <> OLD.world OR NEW.sha256 <> OLD.sha256
    OR OLD.revoked_at_ms IS NOT NULL OR NEW.revoked_at_ms IS NULL
  BEGIN SELECT RAISE(ABORT, 'a merchant''s key stays what was stated, and what was revoked stays so'); END;
CREATE TRIGGER merchant_signing_keys_stay BEFORE DELETE ON merchant_signing_keys
  BEGIN SELECT RAISE(ABORT, 'the id of a merchant''s key stays taken'); END;

CREATE TABLE own_key_nonces (
  signing_key TEXT NOT NULL, -- internal
  nonce TEXT NOT NULL, -- internal
  created_ms INTEGER NOT NULL, -- internal
  merchant TEXT NOT NULL, -- internal
  world TEXT NOT NULL, -- internal
  PRIMARY KEY (signing_key, nonce, created_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX own_key_nonces_by_tenant ON own_key_nonces (merchant, world, created_ms);
