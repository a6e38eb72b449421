-- The log's rows hold the nodes of a Merkle tree instead of a chain (RFC 9162 §2.1.1). Rows from before get theirs here;
-- the bytes of a leaf are those of `encodeCustodianLogEntry`, which a test compares.

DROP TRIGGER log_keeps_rows ON log;
ALTER TABLE log RENAME TO former_log;
ALTER TABLE former_log DROP CONSTRAINT log_pkey;
CREATE TABLE log ( -- what was asked of the custodian and what it answered; the leaves of a Merkle tree
  sequence BIGINT PRIMARY KEY, -- internal
  at_ms BIGINT NOT NULL, -- internal
  caller TEXT NOT NULL, -- internal
  operation TEXT NOT NULL, -- internal
  outcome TEXT NOT NULL CHECK (outcome IN ('allowed', 'refused')), -- internal
  reason TEXT NOT NULL, -- internal
  subject TEXT NOT NULL, -- internal
  nodes BYTEA NOT NULL -- internal
);

CREATE FUNCTION framed(field BYTEA) RETURNS BYTEA LANGUAGE sql AS $$ SELECT int4send(octet_length(field)) || field $$;
CREATE FUNCTION framed(field TEXT) RETURNS BYTEA LANGUAGE sql AS $$ SELECT framed(convert_to(field, 'UTF8')) $$;
DO $$
DECLARE
  one RECORD;
  size BIGINT := 0;
  rest BIGINT;
  node BYTEA;
  nodes BYTEA;
  peaks BYTEA[] := '{}';
BEGIN
  FOR one IN SELECT * FROM former_log ORDER BY sequence LOOP
    IF one.sequence <> size + 1 THEN RAISE EXCEPTION 'the log lacks row %', size + 1; END IF;
    node := sha256('\x00'::BYTEA || framed('ngome/custodian-log/v2') || framed(int8send(one.sequence))
      || framed(int8send(one.at_ms)) || framed(one.caller) || framed(one.operation) || framed(one.outcome)
      || framed(one.reason) || framed(one.subject));
    nodes := node;
    rest := size;
    WHILE rest % 2 = 1 LOOP
      node := sha256('\x01'::BYTEA || peaks[cardinality(peaks)] || node);
      peaks := trim_array(peaks, 1);
      nodes := nodes || node;
      rest := rest / 2;
    END LOOP;
    peaks := peaks || node;
    size := one.sequence;
    INSERT INTO log VALUES
      (one.sequence, one.at_ms, one.caller, one.operation, one.outcome, one.reason, one.subject, nodes);
  END LOOP;
END $$;
DROP FUNCTION framed(TEXT);
DROP FUNCTION framed(BYTEA);
DROP TABLE former_log;
CREATE TRIGGER log_keeps_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON log EXECUTE FUNCTION log_only_grows();

CREATE TABLE log_checkpoints ( -- signed heads of the log; whatever is signed later goes on from each of them
  size BIGINT PRIMARY KEY, -- internal
  note TEXT NOT NULL, -- internal
  signed_at_ms BIGINT NOT NULL -- internal
);
CREATE TRIGGER log_checkpoints_keep_rows BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints
  EXECUTE FUNCTION log_only_grows();
