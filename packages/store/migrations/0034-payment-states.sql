-- Payouts and refunds beside collections: more states, fees, and the collection that a refund gives back.

-- The same tables as packages/payments; tests compare them. `transfers`: the phase of a payment's transfers in that state.
CREATE TABLE ngome.payment_states (
  status text COLLATE "C" PRIMARY KEY,
  transfers text COLLATE "C" NOT NULL CHECK (transfers IN ('pending', 'posted', 'voided'))
);
INSERT INTO ngome.payment_states VALUES
  ('awaiting_approval', 'pending'), ('accepted', 'pending'), ('processing', 'pending'), ('in_doubt', 'pending'),
  ('succeeded', 'posted'), ('failed', 'voided'), ('cancelled', 'voided'), ('reversed', 'posted');
CALL ngome.classify('ngome.payment_states', 'public', '{status,transfers}');
GRANT SELECT ON ngome.payment_states TO ngome_auditor;

-- `by_process`: the one that makes the change; the trigger below lets no other.
DELETE FROM ngome.payment_transitions;
ALTER TABLE ngome.payment_transitions ADD COLUMN by_process text COLLATE "C" NOT NULL CHECK (by_process IN ('gateway', 'dispatcher')),
  DROP CONSTRAINT payment_transitions_pkey, ADD PRIMARY KEY (from_status, to_status, by_process),
  ADD FOREIGN KEY (from_status) REFERENCES ngome.payment_states (status),
  ADD FOREIGN KEY (to_status) REFERENCES ngome.payment_states (status);
INSERT INTO ngome.payment_transitions VALUES
  ('awaiting_approval', 'accepted', 'gateway'), ('awaiting_approval', 'cancelled', 'gateway'),
  ('awaiting_approval', 'failed', 'gateway'), ('awaiting_approval', 'failed', 'dispatcher'),
  ('accepted', 'cancelled', 'gateway'), ('accepted', 'processing', 'dispatcher'), ('accepted', 'failed', 'dispatcher'),
  ('processing', 'in_doubt', 'dispatcher'), ('processing', 'succeeded', 'dispatcher'), ('processing', 'failed', 'dispatcher'),
  ('in_doubt', 'processing', 'dispatcher'), ('in_doubt', 'succeeded', 'dispatcher'), ('in_doubt', 'failed', 'dispatcher'),
  ('succeeded', 'reversed', 'dispatcher');
CALL ngome.classify('ngome.payment_transitions', 'public', '{by_process}');
GRANT SELECT ON ngome.payment_transitions TO ngome_gateway;

ALTER TABLE ngome.transfers DROP CONSTRAINT transfers_merchant_world_payment_amount_minor_currency_kin_fkey;
ALTER TABLE ngome.payments DROP CONSTRAINT payments_money;
ALTER TABLE ngome.transfers ADD FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id);

ALTER TABLE ngome.payments
  DROP CONSTRAINT payments_id_check,
  DROP CONSTRAINT payments_status_check,
  DROP CONSTRAINT payments_sealed_check,
  -- What the operator takes of it, or for it; minor units.
  ADD COLUMN fee_minor bigint NOT NULL DEFAULT 0 CHECK (fee_minor >= 0),
  -- The collection that a refund gives back.
  ADD COLUMN original text COLLATE "C",
  ADD CONSTRAINT payments_id_check CHECK (id ~ CASE direction
    WHEN 'collection' THEN '^pay_[0-7][0-9a-z]{25}$' WHEN 'payout' THEN '^pyt_[0-7][0-9a-z]{25}$' ELSE '^rfd_[0-7][0-9a-z]{25}$' END),
  ADD CONSTRAINT payments_status_check FOREIGN KEY (status) REFERENCES ngome.payment_states (status),
  ADD CONSTRAINT payments_sealed_check CHECK (length(sealed) BETWEEN 64 AND 32768),
  ADD CONSTRAINT payments_fee_check CHECK (direction <> 'collection' OR fee_minor < amount_minor),
  ADD CONSTRAINT payments_original_check CHECK ((direction = 'refund') = (original IS NOT NULL)),
  ADD FOREIGN KEY (merchant, world, original) REFERENCES ngome.payments (merchant, world, id);
CALL ngome.classify('ngome.payments', 'internal', '{fee_minor,original}');
CREATE INDEX payments_refunds ON ngome.payments (merchant, world, original) WHERE original IS NOT NULL;
GRANT SELECT (fee_minor, original) ON ngome.payments TO ngome_gateway;
-- What a merchant decides before anything was sent; the trigger says what that is.
GRANT UPDATE (status, failure, updated_at) ON ngome.payments TO ngome_gateway;

DROP INDEX ngome.payments_open;
CREATE INDEX payments_open ON ngome.payments (created_at) WHERE status IN ('accepted', 'processing', 'in_doubt');
CREATE OR REPLACE FUNCTION ngome.find_open_payments(older_than interval, at_most integer)
RETURNS TABLE (merchant text, world text, id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.merchant, p.world, p.id FROM ngome.payments p
  WHERE p.status IN ('accepted', 'processing', 'in_doubt')
    AND p.created_at < now() - older_than AND p.updated_at < now() - older_than
  ORDER BY p.created_at LIMIT least(at_most, 1000)
$$;

DROP FUNCTION ngome.read_payments;
CREATE FUNCTION ngome.read_payments(of_merchant text, of_world text, ids text[])
RETURNS TABLE (id text, status text, failure text, direction text, network text, currency text, amount_minor bigint, fee_minor bigint,
  reference text, payer_masked text, original text, created_at_ms bigint, updated_at_ms bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM set_config('ngome.merchant', of_merchant, true), set_config('ngome.world', of_world, true);
  RETURN QUERY SELECT p.id, p.status, p.failure, p.direction, p.network, p.currency, p.amount_minor, p.fee_minor, p.reference,
      p.payer_masked, p.original, (extract(epoch FROM p.created_at) * 1000)::bigint, (extract(epoch FROM p.updated_at) * 1000)::bigint
    FROM ngome.payments p WHERE p.merchant = of_merchant AND p.world = of_world AND p.id = ANY (ids);
END $$;
GRANT EXECUTE ON FUNCTION ngome.read_payments TO ngome_gateway;

CREATE OR REPLACE FUNCTION ngome.guard_payment() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'accepted' AND (NEW.status <> 'awaiting_approval' OR NEW.direction = 'collection') THEN
      RAISE EXCEPTION 'a payment begins as accepted, or waits for an approval' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.direction, NEW.network, NEW.currency, NEW.amount_minor, NEW.fee_minor, NEW.reference,
      NEW.payer_masked, NEW.original, NEW.api_key, NEW.data_key, NEW.sealed, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.direction, OLD.network, OLD.currency, OLD.amount_minor, OLD.fee_minor,
      OLD.reference, OLD.payer_masked, OLD.original, OLD.api_key, OLD.data_key, OLD.sealed, OLD.created_at) THEN
    RAISE EXCEPTION 'only the status of a payment changes' USING ERRCODE = 'NG002';
  END IF;
  IF NOT EXISTS (
    SELECT FROM ngome.payment_transitions t WHERE t.from_status = OLD.status AND t.to_status = NEW.status
      AND (current_user NOT IN ('ngome_gateway', 'ngome_dispatcher') OR current_user = 'ngome_' || t.by_process)
  ) THEN
    RAISE EXCEPTION 'a payment cannot go from % to % by %', OLD.status, NEW.status, current_user USING ERRCODE = 'NG001';
  END IF;
  RETURN NEW;
END $$;

-- A refund gives back of a collection that succeeded, by the same network, and all refunds together no more than came. Who refunds
-- holds the collection's row, so that two who do see each other.
CREATE POLICY refunds_hold ON ngome.payments FOR UPDATE TO ngome_migrator USING (true) WITH CHECK (false);
CREATE FUNCTION ngome.guard_refund() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  collection record;
  given_back bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'whoever gives back must see what was given back before' USING ERRCODE = 'NG001';
  END IF;
  SELECT * INTO collection FROM ngome.payments p
    WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.original FOR NO KEY UPDATE;
  IF collection IS NULL OR collection.direction <> 'collection' OR collection.status <> 'succeeded'
    OR (collection.network, collection.currency, collection.payer_masked) IS DISTINCT FROM (NEW.network, NEW.currency, NEW.payer_masked) THEN
    RAISE EXCEPTION 'there is no such money to give back' USING ERRCODE = 'NG008';
  END IF;
  SELECT coalesce(sum(p.amount_minor), 0) INTO given_back FROM ngome.payments p
    WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.original = NEW.original AND p.status NOT IN ('failed', 'cancelled', 'reversed');
  IF given_back + NEW.amount_minor > collection.amount_minor THEN
    RAISE EXCEPTION 'more would be given back than came' USING ERRCODE = 'NG009';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_refund BEFORE INSERT ON ngome.payments FOR EACH ROW WHEN (NEW.direction = 'refund')
  EXECUTE FUNCTION ngome.guard_refund();

ALTER TABLE ngome.accounts DROP CONSTRAINT accounts_kind_check,
  ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('merchant_available', 'provider_clearing', 'platform_fees'));

-- `direction`: whose payments' transfers they are; `share`: what part of the payment they move.
ALTER TABLE ngome.transfer_kinds DROP COLUMN is_whole, ADD COLUMN direction text COLLATE "C", ADD COLUMN share text COLLATE "C";
UPDATE ngome.transfer_kinds SET direction = kind, share = CASE kind WHEN 'collection' THEN 'net' ELSE 'amount' END;
INSERT INTO ngome.transfer_kinds (kind, debit_kind, credit_kind, needs_cover, direction, share) VALUES
  ('collection_fee', 'provider_clearing', 'platform_fees', false, 'collection', 'fee'),
  ('payout_fee', 'merchant_available', 'platform_fees', true, 'payout', 'fee'),
  ('refund_fee', 'merchant_available', 'platform_fees', true, 'refund', 'fee');
ALTER TABLE ngome.transfer_kinds ALTER COLUMN direction SET NOT NULL, ALTER COLUMN share SET NOT NULL,
  ADD CHECK (share IN ('amount', 'fee', 'net'));
CALL ngome.classify('ngome.transfer_kinds', 'public', '{direction,share}');

-- Refuses a transfer that is not its payment's share, an end without its begin or against its payment's state, and to take what is
-- not there. Whoever takes holds the account's row until the commit, so that two who take see each other; each statement here sees
-- what was committed before it began.
CREATE OR REPLACE FUNCTION ngome.guard_transfer_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rule record;
  totals record;
BEGIN
  SELECT s.transfers AS phase, k.needs_cover INTO rule
    FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
    WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment AND k.kind = NEW.kind AND p.currency = NEW.currency
      AND NEW.amount_minor = CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END;
  IF rule IS NULL THEN
    RAISE EXCEPTION 'the payment moves no such share' USING ERRCODE = 'NG001';
  END IF;
  IF rule.phase <> NEW.phase THEN
    RAISE EXCEPTION 'the payment stands otherwise' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.phase <> 'pending' THEN
    PERFORM FROM ngome.transfers t WHERE t.merchant = NEW.merchant AND t.world = NEW.world AND t.payment = NEW.payment
      AND t.kind = NEW.kind AND NOT t.is_end AND t.debit_account = NEW.debit_account AND t.credit_account = NEW.credit_account;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'nothing of this kind waits for its end' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF rule.needs_cover THEN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
    PERFORM FROM ngome.account_sums s WHERE s.account = NEW.debit_account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(NEW.debit_account);
    IF totals IS NULL OR totals.posted_in - totals.posted_out - totals.pending_out < NEW.amount_minor THEN
      RAISE EXCEPTION 'less is there than this takes' USING ERRCODE = 'NG007';
    END IF;
    IF totals.came_since > 256 THEN
      PERFORM ngome.add_up_account(NEW.debit_account);
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- The gateway ends what its merchant takes back before anything was sent: the trigger above holds it against the payment's state.
DROP POLICY gateway_begins ON ngome.transfers;
CREATE POLICY gateway_begins ON ngome.transfers FOR INSERT TO ngome_gateway WITH CHECK (
  merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true) AND phase IN ('pending', 'voided'));
