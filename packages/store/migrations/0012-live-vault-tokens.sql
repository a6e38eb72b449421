-- Pages of live tokens: a merchant who ended a hundred thousand tokens has as many tombstones, which never go; without
-- this each page reads past all of them.

CREATE INDEX vault_tokens_live ON ngome.vault_tokens (merchant, world, id) WHERE ended IS NULL;
