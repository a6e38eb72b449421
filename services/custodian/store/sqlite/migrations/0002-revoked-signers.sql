-- What a revoked signer's data keys are judged by. Made anew, since a column that is added keeps no comment.

ALTER TABLE signers RENAME TO former_signers;
CREATE TABLE signers ( -- gateway processes that may sign data keys
  id TEXT PRIMARY KEY, -- internal
  public_key TEXT NOT NULL UNIQUE, -- internal
  created_at_ms INTEGER NOT NULL, -- internal
  until_ms INTEGER NOT NULL, -- internal
  revoked_at_ms INTEGER, -- internal
  trusted_before_ms INTEGER, -- internal
  tag BLOB NOT NULL -- internal
) STRICT, WITHOUT ROWID;
INSERT INTO signers SELECT id, public_key, created_at_ms, until_ms, NULL, NULL, tag FROM former_signers;
DROP TABLE former_signers;

CREATE TABLE seen_data_keys ( -- sealed data keys that were opened, by the hash of their bytes
  hash BLOB PRIMARY KEY, -- internal
  first_at_ms INTEGER NOT NULL -- internal
) STRICT, WITHOUT ROWID;
