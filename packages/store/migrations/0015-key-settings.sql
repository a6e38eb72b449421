-- What an API key may do stands beside it and is signed with it. Beside that, and signed by nobody: what a key took of its
-- day's total, when it was used last, and what its people were reminded of.

ALTER TABLE ngome.api_keys ADD COLUMN settings jsonb CHECK (jsonb_typeof(settings) = 'object' AND length(settings::text) <= 8192);
CALL ngome.classify('ngome.api_keys', 'internal', '{settings}');
-- Of keys from before: all, from anywhere, for ever. That is what a proof of the first format says (packages/access/key-proof.ts).
ALTER TABLE ngome.api_keys NO FORCE ROW LEVEL SECURITY;
UPDATE ngome.api_keys SET settings = '{
  "kind": "secret", "name": "", "mustSign": false, "expiresAt": null, "allowedAddresses": [],
  "scopes": ["forwards:read", "forwards:write", "keys:read", "keys:write", "payments:read", "payments:write", "usage:read",
    "vault:read", "vault:seal", "vault:write", "webhooks:read", "webhooks:write"],
  "caps": {"amountMax": {}, "dayTotalMax": {}, "currencies": [], "networks": []}
}';
ALTER TABLE ngome.api_keys FORCE ROW LEVEL SECURITY;
ALTER TABLE ngome.api_keys ALTER COLUMN settings SET NOT NULL;
CREATE INDEX api_keys_by_age ON ngome.api_keys (created_at) WHERE revoked_at IS NULL;

-- For every role, the owner too: a key does not come back, and of what it may do only the end comes nearer. Who removes this
-- trigger still cannot sign.
CREATE FUNCTION ngome.guard_api_key() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
    RAISE EXCEPTION 'a key that was revoked stays so' USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.hint, NEW.created_at, NEW.settings - 'expiresAt') IS DISTINCT FROM
    (OLD.id, OLD.merchant, OLD.world, OLD.hint, OLD.created_at, OLD.settings - 'expiresAt') THEN
    RAISE EXCEPTION 'what a key is does not change' USING ERRCODE = 'NG002';
  END IF;
  IF OLD.settings->>'expiresAt' IS NOT NULL AND (NEW.settings->>'expiresAt' IS NULL
    OR (NEW.settings->>'expiresAt')::timestamptz > (OLD.settings->>'expiresAt')::timestamptz) THEN
    RAISE EXCEPTION 'an end comes nearer only' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.api_keys FOR EACH ROW EXECUTE FUNCTION ngome.guard_api_key();

DROP FUNCTION ngome.find_api_key;
CREATE FUNCTION ngome.find_api_key(wanted text)
RETURNS TABLE (id text, merchant text, world text, verifier bytea, pepper_version integer, proof bytea, settings jsonb,
  revoked_at timestamptz, frozen_at timestamptz, vault_plaintext text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.id, k.merchant, k.world, k.verifier, k.pepper_version, k.proof, k.settings, k.revoked_at, m.frozen_at,
    CASE k.world WHEN 'test' THEN m.vault_plaintext_test ELSE m.vault_plaintext_live END
  FROM ngome.api_keys k JOIN ngome.merchants m ON m.id = k.merchant
  WHERE k.id = wanted
$$;
-- The operator shows one row to the custodian to have its end signed; neither role can list verifiers.
GRANT EXECUTE ON FUNCTION ngome.find_api_key TO ngome_gateway, ngome_operator;
GRANT SELECT (settings, proof), UPDATE (settings, proof) ON ngome.api_keys TO ngome_operator;

-- As before, and only where the row is still the one that was shown: an end that was signed meanwhile is not undone.
DROP FUNCTION ngome.rehash_api_key;
CREATE FUNCTION ngome.rehash_api_key(wanted text, from_proof bytea, to_version integer, new_verifier bytea, new_proof bytea)
RETURNS boolean LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH changed AS (
    UPDATE ngome.api_keys k SET verifier = new_verifier, pepper_version = to_version, proof = new_proof
    WHERE k.id = wanted AND k.proof = from_proof AND to_version > k.pepper_version AND k.revoked_at IS NULL
    RETURNING 1
  ) SELECT EXISTS (SELECT FROM changed)
$$;
GRANT EXECUTE ON FUNCTION ngome.rehash_api_key TO ngome_gateway;

-- What a key's payments of one UTC day came to, where that has a cap.
CREATE TABLE ngome.api_key_days (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  api_key text COLLATE "C" NOT NULL REFERENCES ngome.api_keys (id),
  day date NOT NULL,
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  total_minor bigint NOT NULL CHECK (total_minor > 0),
  PRIMARY KEY (api_key, day, currency)
);
CALL ngome.classify('ngome.api_key_days', 'internal', '{merchant,world,api_key,day,currency,total_minor}');
ALTER TABLE ngome.api_key_days ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.api_key_days TO ngome_migrator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY housekeeping_reads ON ngome.api_key_days FOR SELECT TO ngome_migrator USING (true);
CREATE POLICY housekeeping_deletes ON ngome.api_key_days FOR DELETE TO ngome_migrator USING (day < current_date - 35);
CREATE POLICY auditor_reads ON ngome.api_key_days FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT ON ngome.api_key_days TO ngome_auditor;

-- Counts a payment towards its key's day, in the payment's own transaction; the row's lock lets one at a time look at the
-- sum. The gateway's role can add here and nothing else.
CREATE FUNCTION ngome.count_towards_day(of_key text, on_day date, of_currency text, amount bigint, at_most bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  total bigint;
BEGIN
  IF amount <= 0 THEN RAISE EXCEPTION 'a payment adds to its day' USING ERRCODE = 'NG002'; END IF;
  INSERT INTO ngome.api_key_days AS d (merchant, world, api_key, day, currency, total_minor)
    VALUES (current_setting('ngome.merchant'), current_setting('ngome.world'), of_key, on_day, of_currency, amount)
    ON CONFLICT (api_key, day, currency) DO UPDATE SET total_minor = d.total_minor + EXCLUDED.total_minor
    RETURNING total_minor INTO total;
  IF total > at_most THEN RAISE EXCEPTION 'the total of the day is reached' USING ERRCODE = 'NG005'; END IF;
END $$;
GRANT EXECUTE ON FUNCTION ngome.count_towards_day TO ngome_gateway;

CREATE FUNCTION ngome.purge_api_key_days() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  removed integer;
BEGIN
  DELETE FROM ngome.api_key_days d USING (
    SELECT api_key, day, currency FROM ngome.api_key_days WHERE day < current_date - 35 LIMIT 10000
  ) old WHERE d.api_key = old.api_key AND d.day = old.day AND d.currency = old.currency;
  GET DIAGNOSTICS removed = ROW_COUNT;
  RETURN removed;
END $$;
GRANT EXECUTE ON FUNCTION ngome.purge_api_key_days TO ngome_dispatcher;

-- When a key was used last, from which network and by which program: a few seconds old, and lost with a gateway that dies.
CREATE TABLE ngome.api_key_uses (
  api_key text COLLATE "C" PRIMARY KEY REFERENCES ngome.api_keys (id),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  last_used_at timestamptz NOT NULL,
  -- CIDR: /24 of an IPv4 address, /48 of an IPv6 one.
  network text NOT NULL CHECK (length(network) <= 45),
  agent text NOT NULL CHECK (length(agent) <= 100)
);
CALL ngome.classify('ngome.api_key_uses', 'internal', '{api_key,merchant,world,last_used_at,network,agent}');
ALTER TABLE ngome.api_key_uses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.api_key_uses FOR SELECT TO ngome_operator
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.api_key_uses FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY record_api_key_uses ON ngome.api_key_uses TO ngome_migrator USING (true) WITH CHECK (true);
GRANT SELECT ON ngome.api_key_uses TO ngome_operator, ngome_auditor;

-- In one order, so that two gateways do not wait for each other in a circle.
CREATE FUNCTION ngome.record_api_key_uses(keys text[], times timestamptz[], networks text[], agents text[])
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO ngome.api_key_uses AS u (api_key, merchant, world, last_used_at, network, agent)
    SELECT k.id, k.merchant, k.world, given.at, given.network, given.agent
    FROM unnest(keys, times, networks, agents) AS given (key, at, network, agent) JOIN ngome.api_keys k ON k.id = given.key
    ORDER BY k.id
  ON CONFLICT (api_key) DO UPDATE
    SET last_used_at = EXCLUDED.last_used_at, network = EXCLUDED.network, agent = EXCLUDED.agent
    WHERE EXCLUDED.last_used_at > u.last_used_at
$$;
GRANT EXECUTE ON FUNCTION ngome.record_api_key_uses TO ngome_gateway;

-- What people were reminded of about a key, once each.
CREATE TABLE ngome.api_key_reminders (
  api_key text COLLATE "C" NOT NULL REFERENCES ngome.api_keys (id),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('rotation_due', 'unused')),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  at timestamptz NOT NULL,
  PRIMARY KEY (api_key, kind)
);
CALL ngome.classify('ngome.api_key_reminders', 'internal', '{api_key,kind,merchant,world,at}');
ALTER TABLE ngome.api_key_reminders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.api_key_reminders TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.api_key_reminders FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_keys_to_remind_of_reads ON ngome.api_key_reminders FOR SELECT TO ngome_migrator USING (true);
GRANT INSERT ON ngome.api_key_reminders TO ngome_dispatcher;
GRANT SELECT ON ngome.api_key_reminders TO ngome_auditor;

-- Keys that work and are older than policy wants them, or that nobody used for long; those that end soon anyway aside.
CREATE FUNCTION ngome.find_keys_to_remind_of(now_at timestamptz, made_before timestamptz, unused_since timestamptz, at_most integer)
RETURNS TABLE (kind text, id text, merchant text, world text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT due.kind, k.id, k.merchant, k.world
  FROM ngome.api_keys k LEFT JOIN ngome.api_key_uses u ON u.api_key = k.id
    CROSS JOIN LATERAL (VALUES
      ('rotation_due', k.created_at <= made_before),
      ('unused', k.created_at <= unused_since AND coalesce(u.last_used_at, k.created_at) <= unused_since)
    ) AS due (kind, is_due)
  WHERE due.is_due AND k.revoked_at IS NULL AND k.created_at <= greatest(made_before, unused_since)
    AND coalesce((k.settings->>'expiresAt')::timestamptz > now_at + interval '30 days', true)
    AND NOT EXISTS (SELECT FROM ngome.api_key_reminders r WHERE r.api_key = k.id AND r.kind = due.kind)
  ORDER BY k.created_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_keys_to_remind_of TO ngome_dispatcher;
