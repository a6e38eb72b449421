-- A network takes a success back: what its payment moved moves back, at once and whatever the merchant has left, and what the merchant
-- then owes is paid before anything else that it takes (ADR 45).

-- `is_reversal`: a mirror of what the payment once posted, which its change to `reversed` writes.
ALTER TABLE ngome.transfer_kinds ADD COLUMN is_reversal boolean NOT NULL DEFAULT false,
  DROP CONSTRAINT transfer_kinds_document_check,
  ADD CONSTRAINT transfer_kinds_document_check CHECK (document IN ('payment', 'settlement', 'adjustment', 'repayment'));
ALTER TABLE ngome.transfer_kinds ALTER COLUMN is_reversal DROP DEFAULT;
CALL ngome.classify('ngome.transfer_kinds', 'public', '{is_reversal}');
INSERT INTO ngome.transfer_kinds (kind, document, direction, debit_kind, credit_kind, share, needs_cover, needs_debt, is_reversal) VALUES
  ('collection_reversal', 'payment', 'collection', 'merchant_debt', 'provider_clearing', 'net', false, false, true),
  ('collection_fee_reversal', 'payment', 'collection', 'platform_fees', 'provider_clearing', 'fee', false, false, true),
  ('payout_reversal', 'payment', 'payout', 'provider_clearing', 'merchant_available', 'amount', false, false, true),
  ('payout_fee_reversal', 'payment', 'payout', 'platform_fees', 'merchant_available', 'fee', false, false, true),
  ('refund_reversal', 'payment', 'refund', 'provider_clearing', 'merchant_available', 'amount', false, false, true),
  ('refund_fee_reversal', 'payment', 'refund', 'platform_fees', 'merchant_available', 'fee', false, false, true),
  ('debt_repayment', 'repayment', NULL, 'merchant_available', 'merchant_debt', 'amount', true, true, false);

-- What repays a debt is an adjustment that the platform makes by itself, of no network.
ALTER TABLE ngome.adjustments DROP CONSTRAINT adjustments_network_check,
  ADD CONSTRAINT adjustments_network_check CHECK (length(network) BETWEEN 1 AND 64 OR kind = 'debt_repayment' AND network = '');

-- Who owes, for who looks whether it can be repaid.
CREATE INDEX accounts_of_debt ON ngome.accounts (id) WHERE kind = 'merchant_debt';

DROP POLICY ledger_writes ON ngome.transfers;
-- Transfers of payments are the processes' own to write, but for those that follow from the change itself.
CREATE POLICY ledger_writes ON ngome.transfers FOR INSERT TO ngome_migrator
  WITH CHECK (payment IS NULL OR EXISTS (SELECT FROM ngome.transfer_kinds k WHERE k.kind = transfers.kind AND k.is_reversal));

-- Refuses a transfer that is not its document's share, an end without its begin or against its document's state, and to give back what is
-- not owed. As before; a reversal begins and ends when its payment is reversed.
CREATE OR REPLACE FUNCTION ngome.guard_transfer_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rule record;
  totals record;
BEGIN
  IF NEW.payment IS NOT NULL THEN
    SELECT CASE WHEN NOT k.is_reversal THEN s.transfers WHEN p.status = 'reversed' AND NEW.phase <> 'voided' THEN NEW.phase ELSE 'none' END AS phase,
        k.needs_debt INTO rule
      FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
      WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment AND k.kind = NEW.kind AND p.currency = NEW.currency
        AND NEW.amount_minor = CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END;
  ELSE
    -- These do not wait for anybody: begin and end come together.
    SELECT CASE NEW.phase WHEN 'pending' THEN 'pending' ELSE 'posted' END AS phase, k.needs_debt INTO rule
      FROM ngome.transfer_kinds k
      WHERE k.kind = NEW.kind AND (
        k.document = 'settlement' AND EXISTS (SELECT FROM ngome.settlements s
          WHERE s.merchant = NEW.merchant AND s.world = NEW.world AND s.id = NEW.settlement AND s.currency = NEW.currency
            AND s.amount_minor = NEW.amount_minor
            AND k.kind = CASE s.state WHEN 'created' THEN 'settlement' WHEN 'paid' THEN 'settlement_paid' ELSE 'settlement_returned' END)
        OR k.document IN ('adjustment', 'repayment') AND EXISTS (SELECT FROM ngome.adjustments a
          WHERE a.merchant = NEW.merchant AND a.world = NEW.world AND a.id = NEW.adjustment AND a.currency = NEW.currency
            AND a.amount_minor = NEW.amount_minor AND a.kind = NEW.kind
            AND NOT EXISTS (SELECT FROM ngome.accounts c WHERE c.id IN (NEW.debit_account, NEW.credit_account) AND c.network NOT IN ('', a.network))));
  END IF;
  IF rule IS NULL THEN
    RAISE EXCEPTION 'its document moves no such share' USING ERRCODE = 'NG001';
  END IF;
  IF rule.phase <> NEW.phase THEN
    RAISE EXCEPTION 'its document stands otherwise' USING ERRCODE = 'NG001';
  END IF;
  IF NEW.phase <> 'pending' THEN
    PERFORM FROM ngome.transfers t WHERE t.merchant = NEW.merchant AND t.world = NEW.world
      AND t.document = coalesce(NEW.payment, NEW.settlement, NEW.adjustment)
      AND t.kind = NEW.kind AND NOT t.is_end AND t.debit_account = NEW.debit_account AND t.credit_account = NEW.credit_account;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'nothing of this kind waits for its end' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF rule.needs_debt THEN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
    PERFORM FROM ngome.account_sums s WHERE s.account = NEW.credit_account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(NEW.credit_account);
    IF totals IS NULL OR totals.posted_out - totals.posted_in - totals.pending_in < NEW.amount_minor THEN
      RAISE EXCEPTION 'less is owed than this gives back' USING ERRCODE = 'NG007';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- What the tenant owes in a currency; never below zero.
CREATE FUNCTION ngome.owed_minor(of_merchant text, of_world text, of_currency text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(t.posted_out - t.posted_in), 0)::bigint FROM ngome.accounts a CROSS JOIN LATERAL ngome.account_totals(a.id) t
  WHERE a.merchant = of_merchant AND a.world = of_world AND a.kind = 'merchant_debt' AND a.network = '' AND a.currency = of_currency
$$;

-- What is taken is held against what is there once for each statement, however many rows it writes: a part of a batch is one statement.
-- Whoever takes holds the account's row until the commit, so that two who take see each other; the sum has what was just written.
-- What a merchant owes is not there for anything but to repay it; of a debt that grows meanwhile the next one hears.
CREATE OR REPLACE FUNCTION ngome.guard_transfer_cover() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  taken record;
  totals record;
  owed bigint;
BEGIN
  FOR taken IN SELECT t.debit_account AS account, t.merchant, t.world, t.currency,
        t.debit_kind = 'merchant_available' AND NOT bool_and(k.needs_debt) AS is_after_debt
      FROM began t JOIN ngome.transfer_kinds k ON k.kind = t.kind
      WHERE t.phase = 'pending' AND k.needs_cover GROUP BY t.debit_account, t.merchant, t.world, t.currency, t.debit_kind ORDER BY t.debit_account LOOP
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
    PERFORM FROM ngome.account_sums s WHERE s.account = taken.account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(taken.account);
    owed := CASE WHEN taken.is_after_debt THEN ngome.owed_minor(taken.merchant, taken.world, taken.currency) ELSE 0 END;
    IF totals IS NULL OR totals.posted_in - totals.posted_out - totals.pending_out < owed THEN
      RAISE EXCEPTION 'less is there than this takes' USING ERRCODE = 'NG007';
    END IF;
    IF totals.came_since > 256 THEN
      PERFORM ngome.add_up_account(taken.account);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

-- Written by the change itself, so that none is reversed whose money is not: every transfer that the payment posted has its mirror,
-- the operator's fee among them. What a collection brought is owed from then on, and nobody's lock is waited for.
CREATE FUNCTION ngome.reverse_transfers() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  mirror record;
BEGIN
  FOR mirror IN
    SELECT k.kind, CASE k.share WHEN 'amount' THEN NEW.amount_minor WHEN 'fee' THEN NEW.fee_minor ELSE NEW.amount_minor - NEW.fee_minor END AS amount_minor
    FROM ngome.transfer_kinds k WHERE k.direction = NEW.direction AND k.is_reversal ORDER BY k.kind
  LOOP
    IF mirror.amount_minor > 0 THEN
      PERFORM ngome.post_transfer(NEW.merchant, NEW.world, NEW.id, NULL, NULL, mirror.kind, NEW.network, mirror.amount_minor, NEW.currency, NEW.updated_at);
    END IF;
  END LOOP;
  RETURN NULL;
END $$;
CREATE TRIGGER reverse AFTER UPDATE ON ngome.payments FOR EACH ROW WHEN (OLD.status <> 'reversed' AND NEW.status = 'reversed')
  EXECUTE FUNCTION ngome.reverse_transfers();

-- Repays of what the tenant owes as much as is there: the account of what is available first, then that of the debt, always. Gives back
-- how much; nothing where nothing is owed or nothing is there.
CREATE FUNCTION ngome.repay_debt(new_id text, of_currency text, why text, of_at timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
  available text := ngome.account_id(of_merchant, of_world, 'merchant_available', '', of_currency);
  repaid bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
  END IF;
  IF ngome.owed_minor(of_merchant, of_world, of_currency) = 0 THEN
    RETURN 0;
  END IF;
  PERFORM FROM ngome.account_sums s WHERE s.account = available FOR UPDATE;
  PERFORM FROM ngome.account_sums s WHERE s.account = ngome.account_id(of_merchant, of_world, 'merchant_debt', '', of_currency) FOR UPDATE;
  SELECT least(coalesce(sum(t.posted_in - t.posted_out - t.pending_out), 0), ngome.owed_minor(of_merchant, of_world, of_currency)) INTO repaid
    FROM ngome.account_totals(available) t;
  IF repaid <= 0 THEN
    RETURN 0;
  END IF;
  INSERT INTO ngome.adjustments (id, merchant, world, kind, network, currency, amount_minor, reason, made_by, created_at)
    VALUES (new_id, of_merchant, of_world, 'debt_repayment', '', of_currency, repaid, why, 'ngome', of_at);
  PERFORM ngome.post_transfer(of_merchant, of_world, NULL, NULL, new_id, 'debt_repayment', '', repaid, of_currency, of_at);
  RETURN repaid;
END $$;
GRANT EXECUTE ON FUNCTION ngome.repay_debt TO ngome_dispatcher;

-- Who owes and has something to repay it with, from after the account that is named.
CREATE FUNCTION ngome.find_repayable(after_account text, at_most integer) RETURNS TABLE (account text, merchant text, world text, currency text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT d.id, d.merchant, d.world, d.currency FROM ngome.accounts d
    JOIN ngome.accounts a ON a.merchant = d.merchant AND a.world = d.world AND a.kind = 'merchant_available' AND a.network = '' AND a.currency = d.currency
    CROSS JOIN LATERAL ngome.account_totals(d.id) owed CROSS JOIN LATERAL ngome.account_totals(a.id) held
  WHERE d.kind = 'merchant_debt' AND d.id > after_account AND owed.posted_out > owed.posted_in
    AND held.posted_in - held.posted_out - held.pending_out > 0
  ORDER BY d.id LIMIT least(at_most, 1000)
$$;
GRANT EXECUTE ON FUNCTION ngome.find_repayable TO ngome_dispatcher;

-- `available`: what may be taken, which is without what is owed; `owed`: what is owed beyond what is there. A repayment changes neither.
DROP FUNCTION ngome.tenant_balances;
CREATE FUNCTION ngome.tenant_balances() RETURNS TABLE (currency text, available bigint, pending bigint, reserved bigint, owed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.currency, greatest(c.held, 0)::bigint, c.pending, c.reserved, greatest(-c.held, 0)::bigint FROM (
    SELECT a.currency, sum(t.posted_in - t.posted_out - t.pending_out) AS held,
      coalesce(sum(t.pending_in) FILTER (WHERE a.kind = 'merchant_available'), 0)::bigint AS pending,
      coalesce(sum(t.pending_out) FILTER (WHERE a.kind = 'merchant_available'), 0)::bigint AS reserved
    FROM ngome.accounts a CROSS JOIN LATERAL ngome.account_totals(a.id) t
    WHERE a.merchant = current_setting('ngome.merchant', true) AND a.world = current_setting('ngome.world', true)
      AND a.kind IN ('merchant_available', 'merchant_debt')
    GROUP BY a.currency
  ) c ORDER BY c.currency
$$;
GRANT EXECUTE ON FUNCTION ngome.tenant_balances TO ngome_gateway;
