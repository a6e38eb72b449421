-- The ledger only grows: a transfer that waits is one row, and its end another. What an account holds is added up, from what was
-- added up before and what came since: who brings money waits for nobody, and who takes it takes turns.

-- The same table as packages/payments/ledger; a test compares them. `is_whole`: it moves all of its payment's amount.
-- `needs_cover`: what it takes must be there.
CREATE TABLE ngome.transfer_kinds (
  kind text COLLATE "C" PRIMARY KEY,
  debit_kind text COLLATE "C" NOT NULL,
  credit_kind text COLLATE "C" NOT NULL,
  is_whole boolean NOT NULL,
  needs_cover boolean NOT NULL,
  UNIQUE (kind, debit_kind, credit_kind)
);
INSERT INTO ngome.transfer_kinds VALUES
  ('collection', 'provider_clearing', 'merchant_available', true, false),
  ('payout', 'merchant_available', 'provider_clearing', true, true),
  ('refund', 'merchant_available', 'provider_clearing', true, true);
CALL ngome.classify('ngome.transfer_kinds', 'public', '{kind,debit_kind,credit_kind,is_whole,needs_cover}');

ALTER TABLE ngome.payments DROP CONSTRAINT payments_direction_check,
  ADD CONSTRAINT payments_direction_check CHECK (direction IN ('collection', 'payout', 'refund')),
  -- For the transfer to refer to: the ledger moves the payment's own money, its own way.
  ADD CONSTRAINT payments_money UNIQUE (merchant, world, id, amount_minor, currency, direction);

ALTER TABLE ngome.transfers RENAME TO transfers_before;

CREATE TABLE ngome.transfers (
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  payment text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  phase text COLLATE "C" NOT NULL CHECK (phase IN ('pending', 'posted', 'voided')),
  is_end boolean NOT NULL GENERATED ALWAYS AS (phase <> 'pending') STORED,
  debit_account text COLLATE "C" NOT NULL,
  credit_account text COLLATE "C" NOT NULL CHECK (credit_account <> debit_account),
  debit_kind text COLLATE "C" NOT NULL,
  credit_kind text COLLATE "C" NOT NULL,
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  at timestamptz NOT NULL,
  -- The transaction that it came in: tells what an account's last adding up had seen of it.
  came_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
  -- One begin and one end of each, for ever.
  CONSTRAINT transfers_phases PRIMARY KEY (merchant, world, payment, kind, is_end),
  FOREIGN KEY (kind, debit_kind, credit_kind) REFERENCES ngome.transfer_kinds (kind, debit_kind, credit_kind),
  FOREIGN KEY (merchant, world, payment, amount_minor, currency, kind)
    REFERENCES ngome.payments (merchant, world, id, amount_minor, currency, direction),
  FOREIGN KEY (merchant, world, debit_account, debit_kind, currency)
    REFERENCES ngome.accounts (merchant, world, id, kind, currency),
  FOREIGN KEY (merchant, world, credit_account, credit_kind, currency)
    REFERENCES ngome.accounts (merchant, world, id, kind, currency)
);
CALL ngome.classify('ngome.transfers', 'internal', '{merchant,world,payment,kind,phase,is_end,debit_account,credit_account,
  debit_kind,credit_kind,amount_minor,currency,at,came_in}');

-- The owner too is bound by row-level security, until here.
ALTER TABLE ngome.transfers_before NO FORCE ROW LEVEL SECURITY;
INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
  SELECT merchant, world, payment, kind, 'pending', debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, created_at
  FROM ngome.transfers_before;
INSERT INTO ngome.transfers (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
  SELECT merchant, world, payment, kind, state, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, settled_at
  FROM ngome.transfers_before WHERE state <> 'pending';
DROP TABLE ngome.transfers_before;
-- Nothing refers to it any more.
ALTER TABLE ngome.payments DROP CONSTRAINT payments_merchant_world_id_amount_minor_currency_key;

-- What an account's transfers since the last adding up come to; all that the sum needs is in these two.
CREATE INDEX transfers_debited ON ngome.transfers (debit_account, came_in) INCLUDE (phase, amount_minor);
CREATE INDEX transfers_credited ON ngome.transfers (credit_account, came_in) INCLUDE (phase, amount_minor);

ALTER TABLE ngome.transfers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ngome.transfers FOR SELECT TO ngome_dispatcher
  USING (merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true));
-- Who asks for money does not say that it came, and who says so asked for none.
CREATE POLICY gateway_begins ON ngome.transfers FOR INSERT TO ngome_gateway WITH CHECK (
  merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true) AND phase = 'pending');
CREATE POLICY dispatcher_ends ON ngome.transfers FOR INSERT TO ngome_dispatcher WITH CHECK (
  merchant = current_setting('ngome.merchant', true) AND world = current_setting('ngome.world', true) AND phase <> 'pending');
CREATE POLICY auditor_reads ON ngome.transfers FOR SELECT TO ngome_auditor USING (true);
CREATE POLICY ledger_reads ON ngome.transfers FOR SELECT TO ngome_migrator USING (true);
GRANT INSERT (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency, at)
  ON ngome.transfers TO ngome_gateway, ngome_dispatcher;
GRANT SELECT (merchant, world, payment, kind, phase, debit_account, credit_account, debit_kind, credit_kind, amount_minor, currency)
  ON ngome.transfers TO ngome_dispatcher;

CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.transfers FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.transfers FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();

-- What each account held when it was last added up: all that came in transactions below `below`, which had all ended then.
CREATE TABLE ngome.account_sums (
  account text COLLATE "C" NOT NULL,
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  below xid8 NOT NULL DEFAULT '0',
  posted_in bigint NOT NULL DEFAULT 0 CHECK (posted_in >= 0),
  posted_out bigint NOT NULL DEFAULT 0 CHECK (posted_out >= 0),
  pending_in bigint NOT NULL DEFAULT 0 CHECK (pending_in >= 0),
  pending_out bigint NOT NULL DEFAULT 0 CHECK (pending_out >= 0),
  PRIMARY KEY (account),
  FOREIGN KEY (merchant, world, account) REFERENCES ngome.accounts (merchant, world, id)
);
CREATE INDEX account_sums_oldest ON ngome.account_sums (below);
CALL ngome.classify('ngome.account_sums', 'internal', '{account,merchant,world,below,posted_in,posted_out,pending_in,pending_out}');
ALTER TABLE ngome.account_sums ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_adds ON ngome.account_sums TO ngome_migrator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.account_sums FOR SELECT TO ngome_auditor USING (true);
ALTER TABLE ngome.accounts NO FORCE ROW LEVEL SECURITY;
INSERT INTO ngome.account_sums (account, merchant, world) SELECT id, merchant, world FROM ngome.accounts;
ALTER TABLE ngome.accounts FORCE ROW LEVEL SECURITY;

CREATE FUNCTION ngome.add_account_sums() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO ngome.account_sums (account, merchant, world) VALUES (NEW.id, NEW.merchant, NEW.world);
  RETURN NULL;
END $$;
CREATE TRIGGER add_sums AFTER INSERT ON ngome.accounts FOR EACH ROW EXECUTE FUNCTION ngome.add_account_sums();

-- Adds up an account: what it held, and what came since. Sees what its caller's statement sees.
CREATE FUNCTION ngome.account_totals(of_account text)
RETURNS TABLE (posted_in bigint, posted_out bigint, pending_in bigint, pending_out bigint, came_since bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH held AS (SELECT * FROM ngome.account_sums s WHERE s.account = of_account),
  since AS (
    SELECT true AS is_in, t.phase, t.amount_minor FROM held h JOIN ngome.transfers t ON t.credit_account = h.account AND t.came_in >= h.below
    UNION ALL
    SELECT false, t.phase, t.amount_minor FROM held h JOIN ngome.transfers t ON t.debit_account = h.account AND t.came_in >= h.below
  ),
  delta AS (
    SELECT count(*) AS came_since,
      coalesce(sum(amount_minor) FILTER (WHERE is_in AND phase = 'posted'), 0) AS posted_in,
      coalesce(sum(amount_minor) FILTER (WHERE NOT is_in AND phase = 'posted'), 0) AS posted_out,
      coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE is_in), 0) AS pending_in,
      coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE NOT is_in), 0) AS pending_out
    FROM since
  )
  SELECT (h.posted_in + d.posted_in)::bigint, (h.posted_out + d.posted_out)::bigint, (h.pending_in + d.pending_in)::bigint,
    (h.pending_out + d.pending_out)::bigint, d.came_since
  FROM held h, delta d
$$;

-- Takes what came into the sum. A transaction below the oldest that runs has ended, and whatever it wrote is seen: nothing that
-- is below it comes later. The caller holds the account's row.
CREATE FUNCTION ngome.add_up_account(of_account text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH oldest AS (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS below),
  ended AS (
    SELECT true AS is_in, t.phase, t.amount_minor FROM ngome.account_sums s, oldest o, ngome.transfers t
    WHERE s.account = of_account AND t.credit_account = s.account AND t.came_in >= s.below AND t.came_in < o.below
    UNION ALL
    SELECT false, t.phase, t.amount_minor FROM ngome.account_sums s, oldest o, ngome.transfers t
    WHERE s.account = of_account AND t.debit_account = s.account AND t.came_in >= s.below AND t.came_in < o.below
  )
  UPDATE ngome.account_sums s SET
    below = greatest(s.below, o.below),
    posted_in = s.posted_in + e.posted_in, posted_out = s.posted_out + e.posted_out,
    pending_in = s.pending_in + e.pending_in, pending_out = s.pending_out + e.pending_out
  FROM oldest o, (
    SELECT coalesce(sum(amount_minor) FILTER (WHERE is_in AND phase = 'posted'), 0) AS posted_in,
      coalesce(sum(amount_minor) FILTER (WHERE NOT is_in AND phase = 'posted'), 0) AS posted_out,
      coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE is_in), 0) AS pending_in,
      coalesce(sum(CASE phase WHEN 'pending' THEN amount_minor ELSE -amount_minor END) FILTER (WHERE NOT is_in), 0) AS pending_out
    FROM ended
  ) e
  WHERE s.account = of_account
$$;

-- Refuses an end without its begin, and to take what is not there. Whoever takes holds the account's row until the commit, so that
-- two who take see each other; each statement here sees what was committed before it began.
CREATE FUNCTION ngome.guard_transfer_row() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  totals record;
BEGIN
  IF NEW.phase <> 'pending' THEN
    PERFORM FROM ngome.transfers t WHERE t.merchant = NEW.merchant AND t.world = NEW.world AND t.payment = NEW.payment
      AND t.kind = NEW.kind AND NOT t.is_end AND t.debit_account = NEW.debit_account AND t.credit_account = NEW.credit_account;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'nothing of this kind waits for its end' USING ERRCODE = 'NG001';
    END IF;
    RETURN NEW;
  END IF;
  IF EXISTS (SELECT FROM ngome.transfer_kinds k WHERE k.kind = NEW.kind AND k.needs_cover) THEN
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
CREATE TRIGGER guard BEFORE INSERT ON ngome.transfers FOR EACH ROW EXECUTE FUNCTION ngome.guard_transfer_row();
DROP FUNCTION ngome.guard_transfer;
GRANT EXECUTE ON FUNCTION ngome.account_totals TO ngome_auditor;

-- What the tenant that the transaction is in may see of it.
CREATE POLICY ledger_reads ON ngome.accounts FOR SELECT TO ngome_migrator USING (true);
CREATE FUNCTION ngome.tenant_balances() RETURNS TABLE (currency text, available bigint, pending bigint, reserved bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.currency, t.posted_in - t.posted_out - t.pending_out, t.pending_in, t.pending_out
  FROM ngome.accounts a CROSS JOIN LATERAL ngome.account_totals(a.id) t
  WHERE a.merchant = current_setting('ngome.merchant', true) AND a.world = current_setting('ngome.world', true)
    AND a.kind = 'merchant_available'
  ORDER BY a.currency
$$;
GRANT EXECUTE ON FUNCTION ngome.tenant_balances TO ngome_gateway;

-- Adds up the accounts that were not for longest, so that to read one never takes long. One that somebody holds has its turn later.
CREATE FUNCTION ngome.add_up_accounts(at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  each text;
  added integer := 0;
BEGIN
  FOR each IN SELECT s.account FROM ngome.account_sums s ORDER BY s.below LIMIT least(at_most, 1000) FOR UPDATE SKIP LOCKED LOOP
    PERFORM ngome.add_up_account(each);
    added := added + 1;
  END LOOP;
  RETURN added;
END $$;
GRANT EXECUTE ON FUNCTION ngome.add_up_accounts TO ngome_dispatcher;
GRANT SELECT ON ngome.transfers, ngome.account_sums, ngome.transfer_kinds TO ngome_auditor;
