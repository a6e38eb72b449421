-- What a webhook endpoint is, proven: where it is, and whether it is told in clear.

ALTER TABLE ngome.webhook_endpoints
  ADD COLUMN encryption text COLLATE "C" NOT NULL DEFAULT 'none' CHECK (encryption IN ('none', 'required')),
  -- A MAC, by a key that no database holds, over id, tenant, address and encryption: who owns the table sends nothing elsewhere,
  -- and nothing in clear. Endpoints from before have none; nothing is sent to them until their merchant states them anew.
  ADD COLUMN terms_proof bytea CHECK (length(terms_proof) = 32),
  -- Since when, and why, the dispatcher sends nothing to it and waits.
  ADD COLUMN held_since timestamptz,
  ADD COLUMN held_because text COLLATE "C" CHECK (held_because IN ('encryption_key_missing', 'terms_unproven')),
  ADD CONSTRAINT webhook_endpoints_held CHECK ((held_since IS NULL) = (held_because IS NULL));
CALL ngome.classify('ngome.webhook_endpoints', 'internal', '{encryption,terms_proof,held_since,held_because}');
GRANT SELECT (encryption, held_since, held_because), UPDATE (url, encryption, terms_proof, held_since, held_because)
  ON ngome.webhook_endpoints TO ngome_gateway;
GRANT UPDATE (held_since, held_because) ON ngome.webhook_endpoints TO ngome_dispatcher;
