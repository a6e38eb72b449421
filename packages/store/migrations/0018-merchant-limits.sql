-- Limits of a merchant's own, by world, in the place of those of the configuration.

CREATE TABLE ngome.merchant_limits (
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  rate_per_s integer NOT NULL CHECK (rate_per_s BETWEEN 1 AND 1000000),
  burst integer NOT NULL CHECK (burst BETWEEN 1 AND 1000000),
  changed_at timestamptz NOT NULL,
  PRIMARY KEY (merchant, world)
);
CALL ngome.classify('ngome.merchant_limits', 'internal', '{merchant,world,rate_per_s,burst,changed_at}');
ALTER TABLE ngome.merchant_limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- The operator lists them beside the merchants, all of them; a gateway reads those of whose key it has proven.
CREATE POLICY operator_all ON ngome.merchant_limits TO ngome_operator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.merchant_limits FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY tenant ON ngome.merchant_limits FOR SELECT TO ngome_gateway
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
GRANT SELECT, INSERT, UPDATE (rate_per_s, burst, changed_at), DELETE ON ngome.merchant_limits TO ngome_operator;
GRANT SELECT (merchant, world, rate_per_s, burst) ON ngome.merchant_limits TO ngome_gateway;
GRANT SELECT ON ngome.merchant_limits TO ngome_auditor;
