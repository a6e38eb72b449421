-- From which pages a merchant's publishable keys may be used, as the operator granted it.

CREATE TABLE ngome.merchant_origins (
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  -- In the one spelling that browsers send; packages/access reads it strictly, this only bounds it.
  origin text COLLATE "C" NOT NULL CHECK (length(origin) <= 267
    AND origin ~ CASE world WHEN 'live' THEN '^https://[a-z0-9.-]+(:[0-9]{1,5})?$' ELSE '^https?://[a-z0-9.-]+(:[0-9]{1,5})?$' END),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world, origin)
);
CALL ngome.classify('ngome.merchant_origins', 'internal', '{merchant,world,origin,created_at}');
ALTER TABLE ngome.merchant_origins ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.merchant_origins TO ngome_gateway, ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.merchant_origins FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT, INSERT, DELETE ON ngome.merchant_origins TO ngome_operator;
GRANT SELECT ON ngome.merchant_origins TO ngome_gateway, ngome_auditor;

-- A page that was taken off the list is told to gateways as fast as what was revoked.
ALTER TABLE ngome.revocations DROP CONSTRAINT revocations_kind_check;
ALTER TABLE ngome.revocations ADD CONSTRAINT revocations_kind_check
  CHECK (kind IN ('api_key_revoked', 'api_key_ended', 'merchant_frozen', 'merchant_unfrozen', 'merchant_policy_changed',
    'merchant_signing_key_revoked', 'merchant_origins_changed'));
