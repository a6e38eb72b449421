-- What waits for its end is looked for by its key alone: with the accounts beside it a plan that was made while the table was small went by an
-- account, through all of its transfers, for each row that ends. Else as before.
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
    PERFORM FROM (SELECT t.debit_account, t.credit_account FROM ngome.transfers t
        WHERE t.merchant = NEW.merchant AND t.world = NEW.world AND t.document = coalesce(NEW.payment, NEW.settlement, NEW.adjustment)
          AND t.kind = NEW.kind AND NOT t.is_end OFFSET 0) t
      WHERE t.debit_account = NEW.debit_account AND t.credit_account = NEW.credit_account;
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
