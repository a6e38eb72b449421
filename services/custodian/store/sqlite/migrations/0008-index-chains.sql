-- Index keys are replaced too: a rotation waits until the dispatcher has counted the fingerprints that are left.

INSERT INTO rotation_levels (level) VALUES ('index');
ALTER TABLE rotations ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 0; -- internal
CREATE UNIQUE INDEX rotations_one_index ON rotations (subject) WHERE state = 'running' AND level = 'index';
