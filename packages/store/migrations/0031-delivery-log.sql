-- What came of each attempt of a webhook, for its merchant: never a body or a header of what the endpoint answered.
ALTER TABLE ngome.webhook_deliveries
  -- The earliest first, 32 at most: {"at", "status", "reason", "ms"}.
  ADD COLUMN attempts jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(attempts) = 'array' AND jsonb_array_length(attempts) <= 32
    AND length(attempts::text) <= 8192),
  ADD COLUMN reason text COLLATE "C" CHECK (reason ~ '^[a-z_]{1,32}$'),
  ADD COLUMN next_try_at timestamptz CHECK (next_try_at IS NULL OR state = 'pending');
CALL ngome.classify('ngome.webhook_deliveries', 'internal', '{attempts,reason,next_try_at}');
CREATE INDEX webhook_deliveries_by_endpoint ON ngome.webhook_deliveries (merchant, world, endpoint, id);
GRANT UPDATE (attempts, reason, next_try_at) ON ngome.webhook_deliveries TO ngome_dispatcher;

CREATE POLICY own_deliveries ON ngome.webhook_deliveries FOR SELECT TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
-- Not the event's id and not the proof: they say nothing to a merchant.
GRANT SELECT (id, merchant, world, endpoint, payment, event_type, event_at, state, attempts, reason, next_try_at, created_at, settled_at)
  ON ngome.webhook_deliveries TO ngome_gateway;
