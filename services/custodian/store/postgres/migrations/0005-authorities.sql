-- Certificate authorities are replaced, as store/sqlite/migrations/0007-authorities.sql has it.

CREATE TABLE authorities ( -- every authority that ever was; its key, while it issues, is in wrapped_keys
  version BIGINT PRIMARY KEY CHECK (version > 0), -- internal
  certificate TEXT NOT NULL, -- public
  tag BYTEA -- internal
);
INSERT INTO authorities (version, certificate) SELECT 1, certificate FROM authority;
DROP TABLE authority;
-- Which authority signed it, and the newest one that its holder was told to trust.
ALTER TABLE certificates ADD COLUMN authority BIGINT NOT NULL DEFAULT 1; -- internal
ALTER TABLE certificates ADD COLUMN trusts BIGINT NOT NULL DEFAULT 1; -- internal
CREATE INDEX certificates_by_end ON certificates (not_after_ms);
INSERT INTO rotation_levels (level) VALUES ('authority');
CREATE UNIQUE INDEX rotations_one_authority ON rotations (level) WHERE state = 'running' AND level = 'authority';
