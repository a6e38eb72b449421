-- What the dispatcher proved with a key that no database holds, so that a webhook signs what was compared and ended.

-- MACs, by a key of the custodian's, over columns that are in the clear beside them: no digest of anything sealed.
ALTER TABLE ngome.attempts ADD COLUMN facts_proof bytea CHECK (length(facts_proof) = 32);
CALL ngome.classify('ngome.attempts', 'internal', '{facts_proof}');
ALTER TABLE ngome.webhook_deliveries ADD COLUMN proof bytea CHECK (length(proof) = 32);
CALL ngome.classify('ngome.webhook_deliveries', 'internal', '{proof}');
