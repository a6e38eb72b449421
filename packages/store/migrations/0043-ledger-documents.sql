-- A transfer belongs to a document, which says what it moves: a payment, a settlement to the merchant, or an adjustment of the
-- operator's (ADR 39).

ALTER TABLE ngome.accounts DROP CONSTRAINT accounts_kind_check,
  ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('merchant_available', 'provider_clearing', 'platform_fees', 'merchant_settlement',
    'operator_bank', 'suspense', 'merchant_debt')),
  DROP CONSTRAINT accounts_check,
  ADD CONSTRAINT accounts_network_check CHECK ((kind IN ('provider_clearing', 'suspense')) = (network <> ''));

-- The same derivation as packages/payments/accounts.ts, which a test compares: an account's id follows from what it is.
CREATE FUNCTION ngome.account_id(of_merchant text, of_world text, of_kind text, of_network text, of_currency text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  WITH framed AS (
    SELECT string_agg(int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8'), ''::bytea ORDER BY at) AS bytes
    FROM unnest(ARRAY['ngome/account/v1', of_merchant, of_world, of_kind, of_network, of_currency]) WITH ORDINALITY f (field, at)
  ), bits AS (
    SELECT '00' || string_agg(get_byte(d.digest, i)::bit(8)::text, '' ORDER BY i) AS text
    FROM (SELECT sha256(bytes) AS digest FROM framed) d, generate_series(0, 15) i
  )
  SELECT 'acc_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', substr(b.text, i * 5 + 1, 5)::bit(5)::integer + 1, 1), '' ORDER BY i)
  FROM bits b, generate_series(0, 25) i
$$;

CREATE TABLE ngome.settlements (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^stl_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  -- The closed day whose money it is, and what came before and was left.
  day date NOT NULL REFERENCES ngome.ledger_days (day),
  state text COLLATE "C" NOT NULL CHECK (state IN ('created', 'paid', 'failed')),
  -- The bank's word for it, once it paid; why it did not, where it did not.
  bank_reference text CHECK (length(bank_reference) BETWEEN 1 AND 64),
  failure text CHECK (length(failure) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT settlements_words CHECK ((state = 'paid') = (bank_reference IS NOT NULL) AND (state = 'failed') = (failure IS NOT NULL)),
  CONSTRAINT settlements_tenant UNIQUE (merchant, world, id)
);
-- However many settle a day at once, and however often: one that may still be paid.
CREATE UNIQUE INDEX settlements_once ON ngome.settlements (merchant, world, currency, day) WHERE state <> 'failed';
CALL ngome.classify('ngome.settlements', 'internal',
  '{id,merchant,world,currency,amount_minor,day,state,bank_reference,failure,created_at,updated_at}');
ALTER TABLE ngome.settlements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_settles ON ngome.settlements TO ngome_migrator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.settlements FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT ON ngome.settlements TO ngome_auditor;
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.settlements FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();

CREATE FUNCTION ngome.guard_settlement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'created' THEN
      RAISE EXCEPTION 'a settlement begins as created' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'created' OR NEW.state NOT IN ('paid', 'failed') THEN
    RAISE EXCEPTION 'a settlement cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'NG001';
  END IF;
  IF (NEW.id, NEW.merchant, NEW.world, NEW.currency, NEW.amount_minor, NEW.day, NEW.created_at)
    IS DISTINCT FROM (OLD.id, OLD.merchant, OLD.world, OLD.currency, OLD.amount_minor, OLD.day, OLD.created_at) THEN
    RAISE EXCEPTION 'only the state of a settlement changes' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON ngome.settlements FOR EACH ROW EXECUTE FUNCTION ngome.guard_settlement();

-- What the operator corrects, through suspense: one transfer, in somebody's name, for a reason that the merchant reads where it is
-- its money.
CREATE TABLE ngome.adjustments (
  id text COLLATE "C" PRIMARY KEY CHECK (id ~ '^adj_[0-7][0-9a-z]{25}$'),
  merchant text COLLATE "C" NOT NULL REFERENCES ngome.merchants (id),
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  kind text COLLATE "C" NOT NULL,
  network text COLLATE "C" NOT NULL CHECK (length(network) BETWEEN 1 AND 64),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 200),
  made_by text NOT NULL CHECK (length(made_by) BETWEEN 1 AND 100),
  created_at timestamptz NOT NULL,
  CONSTRAINT adjustments_tenant UNIQUE (merchant, world, id)
);
CALL ngome.classify('ngome.adjustments', 'internal', '{id,merchant,world,kind,network,currency,amount_minor,reason,made_by,created_at}');
ALTER TABLE ngome.adjustments ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_adjusts ON ngome.adjustments TO ngome_migrator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.adjustments FOR SELECT TO ngome_auditor USING (true);
GRANT SELECT ON ngome.adjustments TO ngome_auditor;
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.adjustments FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.adjustments FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();

-- `document`: what its transfers belong to. `needs_debt`: it gives back of what is owed, and never more.
ALTER TABLE ngome.transfer_kinds ADD COLUMN document text COLLATE "C" NOT NULL DEFAULT 'payment'
    CHECK (document IN ('payment', 'settlement', 'adjustment')),
  ADD COLUMN needs_debt boolean NOT NULL DEFAULT false, ALTER COLUMN direction DROP NOT NULL;
ALTER TABLE ngome.transfer_kinds ALTER COLUMN document DROP DEFAULT, ALTER COLUMN needs_debt DROP DEFAULT,
  ADD CHECK ((document = 'payment') = (direction IS NOT NULL));
CALL ngome.classify('ngome.transfer_kinds', 'public', '{document,needs_debt}');
INSERT INTO ngome.transfer_kinds (kind, document, debit_kind, credit_kind, share, needs_cover, needs_debt) VALUES
  ('settlement', 'settlement', 'merchant_available', 'merchant_settlement', 'amount', true, false),
  ('settlement_paid', 'settlement', 'merchant_settlement', 'operator_bank', 'amount', true, false),
  ('settlement_returned', 'settlement', 'merchant_settlement', 'merchant_available', 'amount', true, false),
  ('suspense_in', 'adjustment', 'provider_clearing', 'suspense', 'amount', false, false),
  ('suspense_out', 'adjustment', 'suspense', 'provider_clearing', 'amount', false, false),
  ('suspense_to_merchant', 'adjustment', 'suspense', 'merchant_available', 'amount', false, false),
  ('suspense_from_merchant', 'adjustment', 'merchant_available', 'suspense', 'amount', true, false),
  ('suspense_to_fees', 'adjustment', 'suspense', 'platform_fees', 'amount', false, false),
  ('suspense_from_fees', 'adjustment', 'platform_fees', 'suspense', 'amount', false, false),
  ('suspense_to_debt', 'adjustment', 'suspense', 'merchant_debt', 'amount', false, true),
  ('suspense_from_debt', 'adjustment', 'merchant_debt', 'suspense', 'amount', false, false);

-- One document each, and the foreign key of its kind proves that it is there. `document` is whichever it is.
ALTER TABLE ngome.transfers ADD COLUMN settlement text COLLATE "C", ADD COLUMN adjustment text COLLATE "C";
ALTER TABLE ngome.transfers DROP CONSTRAINT transfers_phases;
ALTER TABLE ngome.transfers ALTER COLUMN payment DROP NOT NULL,
  ADD COLUMN document text COLLATE "C" NOT NULL GENERATED ALWAYS AS (coalesce(payment, settlement, adjustment)) STORED,
  ADD CONSTRAINT transfers_document_check CHECK (num_nonnulls(payment, settlement, adjustment) = 1),
  ADD CONSTRAINT transfers_phases PRIMARY KEY (merchant, world, document, kind, is_end),
  ADD FOREIGN KEY (merchant, world, settlement) REFERENCES ngome.settlements (merchant, world, id),
  ADD FOREIGN KEY (merchant, world, adjustment) REFERENCES ngome.adjustments (merchant, world, id);
CALL ngome.classify('ngome.transfers', 'internal', '{settlement,adjustment,document}');
GRANT SELECT (document) ON ngome.transfers TO ngome_dispatcher;
-- The functions below, which say in whose name and of what. Transfers of payments are the processes' own to write.
CREATE POLICY ledger_writes ON ngome.transfers FOR INSERT TO ngome_migrator WITH CHECK (payment IS NULL);
CREATE POLICY ledger_opens ON ngome.accounts FOR INSERT TO ngome_migrator WITH CHECK (true);

-- Refuses a transfer that is not its document's share, an end without its begin or against its document's state, and to take what is
-- not there or to give back what is not owed. Whoever takes holds the account's row until the commit, so that two who take see each
-- other; each statement here sees what was committed before it began.
CREATE OR REPLACE FUNCTION ngome.guard_transfer_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  rule record;
  totals record;
BEGIN
  IF NEW.payment IS NOT NULL THEN
    SELECT s.transfers AS phase, k.needs_cover, k.needs_debt INTO rule
      FROM ngome.payments p JOIN ngome.payment_states s ON s.status = p.status JOIN ngome.transfer_kinds k ON k.direction = p.direction
      WHERE p.merchant = NEW.merchant AND p.world = NEW.world AND p.id = NEW.payment AND k.kind = NEW.kind AND p.currency = NEW.currency
        AND NEW.amount_minor = CASE k.share WHEN 'amount' THEN p.amount_minor WHEN 'fee' THEN p.fee_minor ELSE p.amount_minor - p.fee_minor END;
  ELSE
    -- These do not wait for anybody: begin and end come together.
    SELECT CASE NEW.phase WHEN 'pending' THEN 'pending' ELSE 'posted' END AS phase, k.needs_cover, k.needs_debt INTO rule
      FROM ngome.transfer_kinds k
      WHERE k.kind = NEW.kind AND (
        k.document = 'settlement' AND EXISTS (SELECT FROM ngome.settlements s
          WHERE s.merchant = NEW.merchant AND s.world = NEW.world AND s.id = NEW.settlement AND s.currency = NEW.currency
            AND s.amount_minor = NEW.amount_minor
            AND k.kind = CASE s.state WHEN 'created' THEN 'settlement' WHEN 'paid' THEN 'settlement_paid' ELSE 'settlement_returned' END)
        OR k.document = 'adjustment' AND EXISTS (SELECT FROM ngome.adjustments a
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
  IF rule.needs_cover OR rule.needs_debt THEN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
      RAISE EXCEPTION 'whoever takes must see what was taken before' USING ERRCODE = 'NG001';
    END IF;
  END IF;
  IF rule.needs_cover THEN
    PERFORM FROM ngome.account_sums s WHERE s.account = NEW.debit_account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(NEW.debit_account);
    IF totals IS NULL OR totals.posted_in - totals.posted_out - totals.pending_out < NEW.amount_minor THEN
      RAISE EXCEPTION 'less is there than this takes' USING ERRCODE = 'NG007';
    END IF;
    IF totals.came_since > 256 THEN
      PERFORM ngome.add_up_account(NEW.debit_account);
    END IF;
  END IF;
  IF rule.needs_debt THEN
    PERFORM FROM ngome.account_sums s WHERE s.account = NEW.credit_account FOR UPDATE;
    SELECT * INTO totals FROM ngome.account_totals(NEW.credit_account);
    IF totals IS NULL OR totals.posted_out - totals.posted_in - totals.pending_in < NEW.amount_minor THEN
      RAISE EXCEPTION 'less is owed than this gives back' USING ERRCODE = 'NG007';
    END IF;
  END IF;
  RETURN NEW;
END $$;

-- The account, which is there afterwards.
CREATE FUNCTION ngome.open_account(of_merchant text, of_world text, of_kind text, of_network text, of_currency text) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own_network text := CASE WHEN of_kind IN ('provider_clearing', 'suspense') THEN of_network ELSE '' END;
  opened text := ngome.account_id(of_merchant, of_world, of_kind, own_network, of_currency);
BEGIN
  INSERT INTO ngome.accounts (id, merchant, world, kind, network, currency) VALUES (opened, of_merchant, of_world, of_kind, own_network, of_currency)
    ON CONFLICT DO NOTHING;
  RETURN opened;
END $$;

-- Moves what a document that is there says, begin and end at once. Both accounts are opened in the order of their ids, so that two who
-- open the same wait for one another and never both.
CREATE FUNCTION ngome.post_transfer(of_merchant text, of_world text, of_payment text, of_settlement text, of_adjustment text, of_kind text,
  of_network text, of_amount bigint, of_currency text, of_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ends record;
BEGIN
  SELECT k.debit_kind, k.credit_kind, ngome.account_id(of_merchant, of_world, k.debit_kind, n.debit_network, of_currency) AS debit,
      ngome.account_id(of_merchant, of_world, k.credit_kind, n.credit_network, of_currency) AS credit
    INTO STRICT ends FROM ngome.transfer_kinds k, LATERAL (SELECT
      CASE WHEN k.debit_kind IN ('provider_clearing', 'suspense') THEN of_network ELSE '' END AS debit_network,
      CASE WHEN k.credit_kind IN ('provider_clearing', 'suspense') THEN of_network ELSE '' END AS credit_network) n
    WHERE k.kind = of_kind;
  PERFORM ngome.open_account(of_merchant, of_world, CASE WHEN ends.debit < ends.credit THEN ends.debit_kind ELSE ends.credit_kind END, of_network, of_currency);
  PERFORM ngome.open_account(of_merchant, of_world, CASE WHEN ends.debit < ends.credit THEN ends.credit_kind ELSE ends.debit_kind END, of_network, of_currency);
  INSERT INTO ngome.transfers (merchant, world, payment, settlement, adjustment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
      amount_minor, currency, at)
    VALUES (of_merchant, of_world, of_payment, of_settlement, of_adjustment, of_kind, 'pending', ends.debit, ends.credit, ends.debit_kind,
      ends.credit_kind, of_amount, of_currency, of_at);
  INSERT INTO ngome.transfers (merchant, world, payment, settlement, adjustment, kind, phase, debit_account, credit_account, debit_kind, credit_kind,
      amount_minor, currency, at)
    VALUES (of_merchant, of_world, of_payment, of_settlement, of_adjustment, of_kind, 'posted', ends.debit, ends.credit, ends.debit_kind,
      ends.credit_kind, of_amount, of_currency, of_at);
END $$;

-- Corrects the books of the tenant that the transaction is in, once for each id. NG007: what it takes is not there, or what it gives
-- back is not owed. NG043: nothing of this kind is an adjustment.
CREATE FUNCTION ngome.make_adjustment(new_id text, of_kind text, of_network text, of_currency text, of_amount bigint, why text, by_whom text,
  of_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  of_merchant text := current_setting('ngome.merchant', true);
  of_world text := current_setting('ngome.world', true);
BEGIN
  IF NOT EXISTS (SELECT FROM ngome.transfer_kinds k WHERE k.kind = of_kind AND k.document = 'adjustment') THEN
    RAISE EXCEPTION 'nothing of this kind is an adjustment' USING ERRCODE = 'NG043';
  END IF;
  INSERT INTO ngome.adjustments (id, merchant, world, kind, network, currency, amount_minor, reason, made_by, created_at)
    VALUES (new_id, of_merchant, of_world, of_kind, of_network, of_currency, of_amount, why, by_whom, of_at);
  PERFORM ngome.post_transfer(of_merchant, of_world, NULL, NULL, new_id, of_kind, of_network, of_amount, of_currency, of_at);
END $$;
GRANT EXECUTE ON FUNCTION ngome.make_adjustment TO ngome_operator;

-- What moved in a statement's period, in the order in which it came in, from the one after the one that is named; `reference` is the
-- merchant's own, of an adjustment its reason.
DROP FUNCTION ngome.tenant_entries;
CREATE FUNCTION ngome.tenant_entries(
  of_currency text, from_day date, to_day date, after_era integer, after_came_in xid8, after_document text, after_kind text, at_most integer)
RETURNS TABLE (era integer, came_in text, document text, kind text, is_credit boolean, amount_minor bigint, at timestamptz, day text,
  reference text, network text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- A page of a statement is read in the order of the index and no further: however long the period is, each page costs the same.
SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
  of_account text;
  start_era integer := after_era;
  start_below xid8 := after_came_in;
  before record;
  cut record;
BEGIN
  SELECT a.id INTO of_account FROM ngome.accounts a WHERE a.merchant = current_setting('ngome.merchant', true)
    AND a.world = current_setting('ngome.world', true) AND a.kind = 'merchant_available' AND a.currency = of_currency;
  SELECT d.era, d.below INTO cut FROM ngome.closed_days c JOIN ngome.ledger_days d ON d.day = c.day WHERE c.day = to_day;
  SELECT d.era, d.below INTO before FROM ngome.ledger_days d WHERE d.day < from_day ORDER BY d.day DESC LIMIT 1;
  IF before IS NOT NULL AND (before.era, before.below) > (start_era, start_below) THEN
    start_era := before.era;
    start_below := before.below;
  END IF;
  -- Each side by its own index, no further than the page.
  RETURN QUERY
  WITH posted AS (
    (SELECT t.*, true AS is_credit FROM ngome.transfers t WHERE t.credit_account = of_account AND t.phase = 'posted'
      AND (t.era, t.came_in) >= (start_era, start_below) AND (t.era, t.came_in) < (cut.era, cut.below)
      AND (t.era, t.came_in, t.document, t.kind) > (after_era, after_came_in, after_document, after_kind)
    ORDER BY t.era, t.came_in, t.document, t.kind LIMIT least(at_most, 10000))
    UNION ALL
    (SELECT t.*, false FROM ngome.transfers t WHERE t.debit_account = of_account AND t.phase = 'posted'
      AND (t.era, t.came_in) >= (start_era, start_below) AND (t.era, t.came_in) < (cut.era, cut.below)
      AND (t.era, t.came_in, t.document, t.kind) > (after_era, after_came_in, after_document, after_kind)
    ORDER BY t.era, t.came_in, t.document, t.kind LIMIT least(at_most, 10000))
  )
  SELECT e.era, e.came_in::text, e.document::text, e.kind::text, e.is_credit, e.amount_minor, e.at,
    (SELECT to_char(min(d.day), 'YYYY-MM-DD') FROM ngome.ledger_days d WHERE (e.era, e.came_in) < (d.era, d.below)),
    coalesce(p.reference, a.reason, '')::text, coalesce(p.network, a.network, '')::text
  FROM posted e
    LEFT JOIN ngome.payments p ON p.merchant = e.merchant AND p.world = e.world AND p.id = e.payment
    LEFT JOIN ngome.adjustments a ON a.merchant = e.merchant AND a.world = e.world AND a.id = e.adjustment
  ORDER BY e.era, e.came_in, e.document, e.kind LIMIT least(at_most, 10000);
END $$;
GRANT EXECUTE ON FUNCTION ngome.tenant_entries TO ngome_gateway, ngome_operator;
