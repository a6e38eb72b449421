-- How far the custodian's log has become events. It moves in the transaction that writes them, so that none is written
-- twice or left out, whoever dies when.

CREATE TABLE ngome.custodian_log_cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  sequence bigint NOT NULL CHECK (sequence >= 0),
  -- Of that row, by which the log is known again.
  leaf bytea CHECK (length(leaf) = 32),
  logged_at timestamptz,
  -- Of a log that is read again from its beginning: rows of until then were told already.
  told_until timestamptz,
  CHECK ((sequence = 0) = (leaf IS NULL) AND (leaf IS NULL) = (logged_at IS NULL))
);
INSERT INTO ngome.custodian_log_cursor (sequence) VALUES (0);
CALL ngome.classify('ngome.custodian_log_cursor', 'internal', '{only_row,sequence,leaf,logged_at,told_until}');
GRANT SELECT, UPDATE (sequence, leaf, logged_at, told_until) ON ngome.custodian_log_cursor TO ngome_dispatcher;
GRANT SELECT ON ngome.custodian_log_cursor TO ngome_auditor;
