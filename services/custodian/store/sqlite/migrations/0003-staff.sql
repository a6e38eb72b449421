-- People who may approve, and what they have approved.

CREATE TABLE staff ( -- people, each with the public half of a key of his own
  id TEXT PRIMARY KEY, -- internal
  name TEXT NOT NULL, -- internal
  public_key TEXT NOT NULL UNIQUE, -- internal
  admitted_by TEXT NOT NULL, -- internal
  admitted_at_ms INTEGER NOT NULL, -- internal
  retired_at_ms INTEGER, -- internal
  tag BLOB NOT NULL -- internal
) STRICT, WITHOUT ROWID;

CREATE TABLE approvals ( -- approvals that were used, whole, so that anybody can check them again
  nonce TEXT PRIMARY KEY, -- internal
  request TEXT NOT NULL, -- internal
  signatures TEXT NOT NULL, -- internal
  used_at_ms INTEGER NOT NULL -- internal
) STRICT, WITHOUT ROWID;

CREATE TABLE staff_certificates ( -- certificates of the role operator that a person enrolled for
  serial TEXT PRIMARY KEY REFERENCES certificates (serial), -- internal
  staff TEXT NOT NULL REFERENCES staff (id) -- internal
) STRICT, WITHOUT ROWID;
