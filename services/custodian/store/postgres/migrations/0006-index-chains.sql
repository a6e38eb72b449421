-- Index keys are replaced too, as store/sqlite/migrations/0008-index-chains.sql has it.

INSERT INTO rotation_levels (level) VALUES ('index');
ALTER TABLE rotations ADD COLUMN is_counted BIGINT NOT NULL DEFAULT 0; -- internal
CREATE UNIQUE INDEX rotations_one_index ON rotations (subject) WHERE state = 'running' AND level = 'index';
