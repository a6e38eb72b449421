-- What nobody should read: tokens, each with one sealed value (promises K4, R5).

ALTER TABLE ngome.data_keys DROP CONSTRAINT data_keys_retention_check;
ALTER TABLE ngome.data_keys ADD CONSTRAINT data_keys_retention_check
  CHECK (retention IN ('payment', 'credential', 'vault'));
-- A batch's answer names each of its tokens.
ALTER TABLE ngome.idempotency DROP CONSTRAINT idempotency_body_check;
ALTER TABLE ngome.idempotency ADD CONSTRAINT idempotency_body_check CHECK (length(body) <= 131072);

CREATE TABLE ngome.vault_tokens (
  id text COLLATE "C" NOT NULL CHECK (id ~ '^tok_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  type text COLLATE "C" NOT NULL
    CHECK (type IN ('card_number', 'phone', 'identity_document', 'bank_account', 'text')),
  network text COLLATE "C" CHECK (network IS NULL OR network ~ '^[a-z]{2,16}$' AND type = 'card_number'),
  -- PCI DSS 4.0 §3.4.1: the last four digits may be shown; no other form of a card number is kept here.
  masked text CHECK (masked ~ CASE type WHEN 'card_number' THEN '^•••• [0-9]{4}$'
    WHEN 'phone' THEN '^(\+[0-9]{1,3})?•••([0-9]{3})?$' ELSE '^$' END),
  metadata jsonb NOT NULL CHECK (jsonb_typeof(metadata) = 'object' AND length(metadata::text) <= 8192),
  api_key text COLLATE "C" NOT NULL,
  data_key text COLLATE "C" NOT NULL,
  -- Gone when the token ended: what stays is a tombstone that holds nothing of the value.
  sealed bytea CHECK (length(sealed) BETWEEN 64 AND 20480),
  fingerprint_status text COLLATE "C" NOT NULL CHECK (fingerprint_status IN ('pending', 'computed', 'unavailable')),
  -- From the blind index by one more step, so that not even the index is kept: 128 bits that two keys have made.
  fingerprint text COLLATE "C" CHECK (fingerprint ~ '^fpr_[A-Za-z0-9_-]{22}$'),
  created_at timestamptz NOT NULL,
  expires_at timestamptz CHECK (expires_at > created_at),
  ended text COLLATE "C" CHECK (ended IN ('deleted', 'expired')),
  ended_at timestamptz,
  PRIMARY KEY (merchant, world, id),
  FOREIGN KEY (merchant, world, data_key) REFERENCES ngome.data_keys (merchant, world, id),
  CHECK ((ended IS NULL) = (ended_at IS NULL)),
  CHECK ((ended IS NULL) = (sealed IS NOT NULL)),
  CHECK (ended IS NULL OR (network IS NULL AND masked IS NULL AND fingerprint IS NULL AND metadata = '{}')),
  CHECK (ended IS NOT NULL OR (fingerprint_status = 'computed') = (fingerprint IS NOT NULL))
);
CREATE INDEX vault_tokens_by_fingerprint ON ngome.vault_tokens (merchant, world, fingerprint, id)
  WHERE fingerprint IS NOT NULL;
CREATE INDEX vault_tokens_to_expire ON ngome.vault_tokens (expires_at) WHERE ended IS NULL AND expires_at IS NOT NULL;
CALL ngome.classify('ngome.vault_tokens', 'internal', '{id,merchant,world,type,network,masked,api_key,data_key,
  fingerprint_status,created_at,expires_at,ended,ended_at}');
CALL ngome.classify('ngome.vault_tokens', 'confidential', '{metadata,fingerprint}');
CALL ngome.classify('ngome.vault_tokens', 'restricted', '{sealed}');
ALTER TABLE ngome.vault_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.vault_tokens TO ngome_gateway, ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true))
  WITH CHECK (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
CREATE POLICY auditor_reads ON ngome.vault_tokens FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY find_due_reads ON ngome.vault_tokens FOR SELECT TO ngome_migrator USING (true);
-- The gateway writes what is sealed and never needs it back; it may end a token, as the guard below says.
GRANT SELECT (id, merchant, world, type, network, masked, metadata, fingerprint_status, fingerprint, created_at,
  expires_at, ended, ended_at), INSERT ON ngome.vault_tokens TO ngome_gateway;
GRANT UPDATE (sealed, network, masked, metadata, fingerprint, ended, ended_at) ON ngome.vault_tokens TO ngome_gateway;
GRANT SELECT ON ngome.vault_tokens TO ngome_dispatcher;
GRANT UPDATE (sealed, network, masked, metadata, fingerprint, fingerprint_status, ended, ended_at)
  ON ngome.vault_tokens TO ngome_dispatcher;
GRANT SELECT ON ngome.vault_tokens TO ngome_auditor;

CREATE FUNCTION ngome.guard_vault_token() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.ended IS NOT NULL OR NEW.fingerprint_status <> 'pending' THEN
      RAISE EXCEPTION 'a token begins live and without a fingerprint' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.ended IS NOT NULL THEN
    RAISE EXCEPTION 'a token that ended stays as it is' USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.type, NEW.api_key, NEW.data_key, NEW.created_at, NEW.expires_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.type, OLD.api_key, OLD.data_key, OLD.created_at,
      OLD.expires_at) THEN
    RAISE EXCEPTION 'what a token is does not change' USING ERRCODE = 'NG002';
  END IF;
  IF NEW.ended IS NOT NULL THEN
    RETURN NEW; -- The table's checks say that nothing of the value is left.
  END IF;
  IF (NEW.sealed, NEW.network, NEW.masked, NEW.metadata) IS DISTINCT FROM
      (OLD.sealed, OLD.network, OLD.masked, OLD.metadata) OR OLD.fingerprint_status <> 'pending' THEN
    RAISE EXCEPTION 'of a live token only the pending fingerprint changes' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.vault_tokens FOR EACH ROW
  EXECUTE FUNCTION ngome.guard_vault_token();
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.vault_tokens FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.refuse_removal();

-- Tokens whose time is over, for the dispatcher, which then ends each in its own tenant.
CREATE FUNCTION ngome.find_expired_vault_tokens(before timestamptz, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.merchant, t.world, t.id FROM ngome.vault_tokens t
  WHERE t.ended IS NULL AND t.expires_at <= before ORDER BY t.expires_at LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_expired_vault_tokens TO ngome_dispatcher;
