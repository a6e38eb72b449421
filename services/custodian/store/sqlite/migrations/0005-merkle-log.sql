-- The log's rows hold the nodes of a Merkle tree instead of a chain. `log_nodes` is ours, for this migration: it makes
-- the nodes of each row in order, and fails where a row is not the next one.

DROP TRIGGER log_keeps_rows;
DROP TRIGGER log_keeps_values;
ALTER TABLE log RENAME TO former_log;
CREATE TABLE log ( -- what was asked of the custodian and what it answered; the leaves of a Merkle tree
  sequence INTEGER PRIMARY KEY, -- internal
  at_ms INTEGER NOT NULL, -- internal
  caller TEXT NOT NULL, -- internal
  operation TEXT NOT NULL, -- internal
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'refused')), -- internal
  reason TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  nodes BLOB NOT NULL -- internal
) STRICT;
INSERT INTO log SELECT sequence, at_ms, caller, operation, outcome, reason, subject,
  log_nodes(sequence, at_ms, caller, operation, outcome, reason, subject) FROM former_log ORDER BY sequence;
DROP TABLE former_log;
CREATE TRIGGER log_keeps_rows BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER log_keeps_values BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;

CREATE TABLE log_checkpoints ( -- signed heads of the log; whatever is signed later goes on from each of them
  size INTEGER PRIMARY KEY, -- internal
  note TEXT NOT NULL, -- internal
  signed_at_ms INTEGER NOT NULL -- internal
) STRICT;
CREATE TRIGGER log_checkpoints_keep_rows BEFORE DELETE ON log_checkpoints
  BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
CREATE TRIGGER log_checkpoints_keep_values BEFORE UPDATE ON log_checkpoints
  BEGIN SELECT RAISE(ABORT, 'the log only grows'); END;
