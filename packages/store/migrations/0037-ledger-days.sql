-- A ledger knows the cluster whose transaction ids it was written with, and closes its days.

-- An era is a time in one cluster of PostgreSQL: transaction ids are compared within it alone. A dump that was read into another
-- cluster begins another era before anything moves there (ADR 32). What was before this migration is era 0, wherever it was written.
CREATE TABLE ngome.ledger_eras (
  era integer PRIMARY KEY CHECK (era > 0),
  cluster bigint NOT NULL,
  began_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ngome.ledger_eras (era, cluster) SELECT 1, system_identifier FROM pg_control_system();
CALL ngome.classify('ngome.ledger_eras', 'internal', '{era,cluster,began_at}');
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.ledger_eras FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.ledger_eras FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();
GRANT SELECT ON ngome.ledger_eras TO ngome_auditor;

-- The era of now; refused where the ledger came here from another cluster, whose transaction ids mean nothing here.
CREATE FUNCTION ngome.ledger_era() RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  newest record;
BEGIN
  SELECT e.era, e.cluster INTO newest FROM ngome.ledger_eras e ORDER BY e.era DESC LIMIT 1;
  IF newest IS NULL OR newest.cluster <> (SELECT c.system_identifier FROM pg_control_system() c) THEN
    RAISE EXCEPTION 'this ledger was written in another cluster: ngome ledger rebuild-sums' USING ERRCODE = 'NG030';
  END IF;
  RETURN newest.era;
END $$;
GRANT EXECUTE ON FUNCTION ngome.ledger_era TO ngome_auditor;

-- The database's alone to fill in.
ALTER TABLE ngome.transfers ADD COLUMN era integer NOT NULL DEFAULT 0;
ALTER TABLE ngome.transfers ALTER COLUMN era SET DEFAULT 1;
CALL ngome.classify('ngome.transfers', 'internal', '{era}');
DROP INDEX ngome.transfers_debited, ngome.transfers_credited;
CREATE INDEX transfers_debited ON ngome.transfers (debit_account, era, came_in) INCLUDE (phase, amount_minor);
CREATE INDEX transfers_credited ON ngome.transfers (credit_account, era, came_in) INCLUDE (phase, amount_minor);

CREATE FUNCTION ngome.guard_era() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM ngome.ledger_era();
  RETURN NULL;
END $$;
CREATE TRIGGER era BEFORE INSERT ON ngome.transfers FOR EACH STATEMENT EXECUTE FUNCTION ngome.guard_era();

-- Sums are made anew: what was added up before may have been in another cluster.
ALTER TABLE ngome.account_sums ADD COLUMN era integer NOT NULL DEFAULT 0;
CALL ngome.classify('ngome.account_sums', 'internal', '{era}');
UPDATE ngome.account_sums SET below = '0', posted_in = 0, posted_out = 0, pending_in = 0, pending_out = 0;
DROP INDEX ngome.account_sums_oldest;
CREATE INDEX account_sums_oldest ON ngome.account_sums (era, below);

CREATE OR REPLACE FUNCTION ngome.account_totals(of_account text)
RETURNS TABLE (posted_in bigint, posted_out bigint, pending_in bigint, pending_out bigint, came_since bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH held AS (SELECT s.* FROM ngome.account_sums s, ngome.ledger_era() now_era WHERE s.account = of_account AND s.era <= now_era),
  since AS (
    SELECT true AS is_in, t.phase, t.amount_minor
    FROM held h JOIN ngome.transfers t ON t.credit_account = h.account AND (t.era, t.came_in) >= (h.era, h.below)
    UNION ALL
    SELECT false, t.phase, t.amount_minor
    FROM held h JOIN ngome.transfers t ON t.debit_account = h.account AND (t.era, t.came_in) >= (h.era, h.below)
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

CREATE OR REPLACE FUNCTION ngome.add_up_account(of_account text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH oldest AS (SELECT ngome.ledger_era() AS era, pg_snapshot_xmin(pg_current_snapshot()) AS below),
  ended AS (
    SELECT true AS is_in, t.phase, t.amount_minor FROM ngome.account_sums s, oldest o, ngome.transfers t
    WHERE s.account = of_account AND t.credit_account = s.account
      AND (t.era, t.came_in) >= (s.era, s.below) AND (t.era, t.came_in) < (o.era, o.below)
    UNION ALL
    SELECT false, t.phase, t.amount_minor FROM ngome.account_sums s, oldest o, ngome.transfers t
    WHERE s.account = of_account AND t.debit_account = s.account
      AND (t.era, t.came_in) >= (s.era, s.below) AND (t.era, t.came_in) < (o.era, o.below)
  )
  UPDATE ngome.account_sums s SET
    era = o.era,
    below = CASE WHEN s.era = o.era THEN greatest(s.below, o.below) ELSE o.below END,
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

CREATE OR REPLACE FUNCTION ngome.add_up_accounts(at_most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  each text;
  added integer := 0;
BEGIN
  FOR each IN SELECT s.account FROM ngome.account_sums s ORDER BY s.era, s.below LIMIT least(at_most, 1000) FOR UPDATE SKIP LOCKED LOOP
    PERFORM ngome.add_up_account(each);
    added := added + 1;
  END LOOP;
  RETURN added;
END $$;

-- Makes every sum anew from all transfers, while nobody adds any; in another cluster than before, another era begins with it.
CREATE FUNCTION ngome.rebuild_ledger_sums(OUT accounts integer, OUT era integer, OUT is_new_era boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  here bigint;
  newest record;
  each text;
BEGIN
  LOCK TABLE ngome.transfers IN ACCESS EXCLUSIVE MODE;
  LOCK TABLE ngome.account_sums IN EXCLUSIVE MODE;
  SELECT c.system_identifier INTO here FROM pg_control_system() c;
  SELECT e.era, e.cluster INTO newest FROM ngome.ledger_eras e ORDER BY e.era DESC LIMIT 1;
  era := newest.era;
  is_new_era := newest.cluster <> here;
  IF is_new_era THEN
    era := era + 1;
    INSERT INTO ngome.ledger_eras (era, cluster) VALUES (rebuild_ledger_sums.era, here);
    EXECUTE format('ALTER TABLE ngome.transfers ALTER COLUMN era SET DEFAULT %s', era);
  END IF;
  UPDATE ngome.account_sums s SET era = 0, below = '0', posted_in = 0, posted_out = 0, pending_in = 0, pending_out = 0;
  accounts := 0;
  FOR each IN SELECT s.account FROM ngome.account_sums s LOOP
    PERFORM ngome.add_up_account(each);
    accounts := accounts + 1;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION ngome.rebuild_ledger_sums TO ngome_operator;

-- A day ends with a cut: all that was posted by transactions below it, and not below the cut before, is the day's (ADR 32).
CREATE TABLE ngome.ledger_days (
  day date PRIMARY KEY,
  -- The midnight that ended it, in the zone that was the operator's then.
  ends_at timestamptz NOT NULL,
  time_zone text NOT NULL,
  era integer NOT NULL,
  below xid8 NOT NULL,
  cut_at timestamptz NOT NULL DEFAULT now() CHECK (cut_at >= ends_at)
);
CALL ngome.classify('ngome.ledger_days', 'internal', '{day,ends_at,time_zone,era,below,cut_at}');
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.ledger_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.ledger_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();
GRANT SELECT ON ngome.ledger_days TO ngome_auditor;

-- What an account held when a day began and when it ended. An account in which nothing moved has no row: it holds what it held.
CREATE TABLE ngome.account_days (
  account text COLLATE "C" NOT NULL,
  day date NOT NULL REFERENCES ngome.ledger_days (day),
  merchant text COLLATE "C" NOT NULL,
  world text COLLATE "C" NOT NULL CHECK (world IN ('test', 'live')),
  opening_minor bigint NOT NULL,
  in_minor bigint NOT NULL CHECK (in_minor >= 0),
  out_minor bigint NOT NULL CHECK (out_minor >= 0),
  closing_minor bigint NOT NULL CHECK (closing_minor = opening_minor + in_minor - out_minor),
  entries bigint NOT NULL CHECK (entries > 0),
  -- Of the account's row before; empty for its first.
  hash_before bytea NOT NULL CHECK (octet_length(hash_before) IN (0, 32)),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (account, day),
  FOREIGN KEY (merchant, world, account) REFERENCES ngome.accounts (merchant, world, id)
);
CREATE INDEX account_days_of_day ON ngome.account_days (day, account);
CALL ngome.classify('ngome.account_days', 'internal', '{account,day,merchant,world,opening_minor,in_minor,out_minor,closing_minor,
  entries,hash_before,hash}');
ALTER TABLE ngome.account_days ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY ledger_closes ON ngome.account_days TO ngome_migrator USING (true) WITH CHECK (true);
CREATE POLICY auditor_reads ON ngome.account_days FOR SELECT TO ngome_auditor USING (true);
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.account_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.account_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();
GRANT SELECT ON ngome.account_days TO ngome_auditor;

-- A day that is closed: every account of it has its row.
CREATE TABLE ngome.closed_days (
  day date PRIMARY KEY REFERENCES ngome.ledger_days (day),
  accounts bigint NOT NULL CHECK (accounts >= 0),
  -- Of the day before; empty for the first.
  hash_before bytea NOT NULL CHECK (octet_length(hash_before) IN (0, 32)),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  closed_at timestamptz NOT NULL DEFAULT now()
);
CALL ngome.classify('ngome.closed_days', 'internal', '{day,accounts,hash_before,hash,closed_at}');
CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.closed_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal();
CREATE TRIGGER stay BEFORE UPDATE ON ngome.closed_days FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change();
GRANT SELECT ON ngome.closed_days TO ngome_auditor;

-- SHA-256 of the row before and of this one's words, none of which holds the separator.
CREATE FUNCTION ngome.account_day_hash(hash_before bytea, account text, day date, opening bigint, came bigint, went bigint, closing bigint, entries bigint)
RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(hash_before || convert_to(concat_ws('|', 'ngome/account-day/v1', account, to_char(day, 'YYYY-MM-DD'), opening, came, went,
    closing, entries), 'UTF8'))
$$;
CREATE FUNCTION ngome.closed_day_hash(before_hash bytea, of_day date) RETURNS bytea
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT sha256(before_hash || convert_to(concat_ws('|', 'ngome/closed-day/v1', to_char(of_day, 'YYYY-MM-DD'), count(*)), 'UTF8')
    || coalesce(string_agg(d.hash, ''::bytea ORDER BY d.account), ''))
  FROM ngome.account_days d WHERE d.day = of_day
$$;
GRANT EXECUTE ON FUNCTION ngome.account_day_hash, ngome.closed_day_hash TO ngome_auditor;

-- What was posted in an account by transactions from one cut to another.
CREATE FUNCTION ngome.posted_between(of_account text, from_era integer, from_below xid8, to_era integer, to_below xid8)
RETURNS TABLE (in_minor bigint, out_minor bigint, entries bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(amount_minor) FILTER (WHERE is_in), 0)::bigint, coalesce(sum(amount_minor) FILTER (WHERE NOT is_in), 0)::bigint, count(*)
  FROM (
    SELECT true AS is_in, t.amount_minor FROM ngome.transfers t WHERE t.credit_account = of_account AND t.phase = 'posted'
      AND (t.era, t.came_in) >= (from_era, from_below) AND (t.era, t.came_in) < (to_era, to_below)
    UNION ALL
    SELECT false, t.amount_minor FROM ngome.transfers t WHERE t.debit_account = of_account AND t.phase = 'posted'
      AND (t.era, t.came_in) >= (from_era, from_below) AND (t.era, t.came_in) < (to_era, to_below)
  ) posted
$$;
GRANT EXECUTE ON FUNCTION ngome.posted_between TO ngome_auditor;

-- Takes the next step towards closing the days that are over, and says whether there is another to take at once. One at a time: who
-- comes second has nothing to do. A day that was cut is closed as soon as no transaction that could still write into it runs.
CREATE FUNCTION ngome.close_ledger_days(
  zone text, at_most integer, OUT has_more boolean, OUT closed_day text, OUT accounts bigint, OUT hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  now_era integer := ngome.ledger_era();
  cut ngome.ledger_days;
  before ngome.ledger_days;
  next_day date;
  ends timestamptz;
  done integer;
BEGIN
  has_more := false;
  IF NOT pg_try_advisory_xact_lock(hashtext('ngome.close_ledger_days')) THEN
    RETURN;
  END IF;
  SELECT d.* INTO cut FROM ngome.ledger_days d WHERE NOT EXISTS (SELECT FROM ngome.closed_days c WHERE c.day = d.day) ORDER BY d.day LIMIT 1;
  IF NOT FOUND THEN
    SELECT max(d.day) + 1 INTO next_day FROM ngome.ledger_days d;
    IF next_day IS NULL THEN
      -- The day before the first: nothing is in it, and all that was posted until now will be in the next.
      next_day := (now() AT TIME ZONE zone)::date - 1;
      INSERT INTO ngome.ledger_days (day, ends_at, time_zone, era, below) VALUES (next_day, (next_day + 1)::timestamp AT TIME ZONE zone, zone, 0, '0');
      INSERT INTO ngome.closed_days (day, accounts, hash_before, hash) VALUES (next_day, 0, '', ngome.closed_day_hash('', next_day));
      RETURN;
    END IF;
    ends := (next_day + 1)::timestamp AT TIME ZONE zone;
    IF now() < ends THEN
      RETURN;
    END IF;
    INSERT INTO ngome.ledger_days (day, ends_at, time_zone, era, below)
      VALUES (next_day, ends, zone, now_era, pg_snapshot_xmax(pg_current_snapshot()));
    has_more := true;
    RETURN;
  END IF;
  IF cut.era = now_era AND pg_snapshot_xmin(pg_current_snapshot()) < cut.below THEN
    RETURN;
  END IF;
  SELECT d.* INTO before FROM ngome.ledger_days d WHERE d.day < cut.day ORDER BY d.day DESC LIMIT 1;
  INSERT INTO ngome.account_days (account, day, merchant, world, opening_minor, in_minor, out_minor, closing_minor, entries, hash_before, hash)
    SELECT n.account, cut.day, n.merchant, n.world, n.opening, n.in_minor, n.out_minor, n.opening + n.in_minor - n.out_minor, n.entries, n.hash_before,
      ngome.account_day_hash(n.hash_before, n.account, cut.day, n.opening, n.in_minor, n.out_minor, n.opening + n.in_minor - n.out_minor, n.entries)
    FROM (
      SELECT a.id AS account, a.merchant, a.world, coalesce(l.closing_minor, 0) AS opening, coalesce(l.hash, '') AS hash_before, p.*
      FROM ngome.accounts a
        CROSS JOIN LATERAL ngome.posted_between(a.id, coalesce(before.era, 0), coalesce(before.below, '0'), cut.era, cut.below) p
        LEFT JOIN LATERAL (SELECT d.closing_minor, d.hash FROM ngome.account_days d WHERE d.account = a.id ORDER BY d.day DESC LIMIT 1) l ON true
      WHERE p.entries > 0 AND NOT EXISTS (SELECT FROM ngome.account_days d WHERE d.account = a.id AND d.day = cut.day)
      LIMIT least(at_most, 10000)
    ) n;
  GET DIAGNOSTICS done = ROW_COUNT;
  IF done = least(at_most, 10000) THEN
    has_more := true;
    RETURN;
  END IF;
  INSERT INTO ngome.closed_days AS c (day, accounts, hash_before, hash)
    SELECT cut.day, (SELECT count(*) FROM ngome.account_days d WHERE d.day = cut.day), l.hash, ngome.closed_day_hash(l.hash, cut.day)
    FROM (SELECT coalesce((SELECT c.hash FROM ngome.closed_days c ORDER BY c.day DESC LIMIT 1), '') AS hash) l
    RETURNING to_char(c.day, 'YYYY-MM-DD'), c.accounts, c.hash INTO closed_day, close_ledger_days.accounts, close_ledger_days.hash;
  has_more := true;
END $$;
GRANT EXECUTE ON FUNCTION ngome.close_ledger_days TO ngome_dispatcher;

-- What a merchant may read of its own: the reference that it gave is in its statement.
CREATE POLICY statements_read ON ngome.payments FOR SELECT TO ngome_migrator USING (true);

-- What the tenant that the transaction is in held before and after a period of closed days; no row where a day of it is not closed.
CREATE FUNCTION ngome.tenant_statement(of_currency text, from_day date, to_day date)
RETURNS TABLE (account text, opening_minor bigint, in_minor bigint, out_minor bigint, closing_minor bigint, entries bigint, closed_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.id,
    coalesce((SELECT d.closing_minor FROM ngome.account_days d WHERE d.account = a.id AND d.day < from_day ORDER BY d.day DESC LIMIT 1), 0),
    m.in_minor::bigint, m.out_minor::bigint,
    coalesce((SELECT d.closing_minor FROM ngome.account_days d WHERE d.account = a.id AND d.day <= to_day ORDER BY d.day DESC LIMIT 1), 0),
    m.entries::bigint, c.closed_at
  FROM ngome.closed_days c LEFT JOIN ngome.accounts a ON a.merchant = current_setting('ngome.merchant', true)
      AND a.world = current_setting('ngome.world', true) AND a.kind = 'merchant_available' AND a.currency = of_currency
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(d.in_minor), 0) AS in_minor, coalesce(sum(d.out_minor), 0) AS out_minor, coalesce(sum(d.entries), 0) AS entries
      FROM ngome.account_days d WHERE d.account = a.id AND d.day BETWEEN from_day AND to_day
    ) m
  WHERE c.day = to_day
$$;
GRANT EXECUTE ON FUNCTION ngome.tenant_statement TO ngome_gateway, ngome_operator;

-- What moved in it, in the order in which it came in, from the one after the one that is named.
CREATE FUNCTION ngome.tenant_entries(
  of_currency text, from_day date, to_day date, after_era integer, after_came_in xid8, after_payment text, after_kind text, at_most integer)
RETURNS TABLE (era integer, came_in text, payment text, kind text, is_credit boolean, amount_minor bigint, at timestamptz, day text,
  reference text, network text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
      AND (t.era, t.came_in, t.payment, t.kind) > (after_era, after_came_in, after_payment, after_kind)
    ORDER BY t.era, t.came_in, t.payment, t.kind LIMIT least(at_most, 10000))
    UNION ALL
    (SELECT t.*, false FROM ngome.transfers t WHERE t.debit_account = of_account AND t.phase = 'posted'
      AND (t.era, t.came_in) >= (start_era, start_below) AND (t.era, t.came_in) < (cut.era, cut.below)
      AND (t.era, t.came_in, t.payment, t.kind) > (after_era, after_came_in, after_payment, after_kind)
    ORDER BY t.era, t.came_in, t.payment, t.kind LIMIT least(at_most, 10000))
  )
  SELECT e.era, e.came_in::text, e.payment::text, e.kind::text, e.is_credit, e.amount_minor, e.at,
    (SELECT to_char(min(d.day), 'YYYY-MM-DD') FROM ngome.ledger_days d WHERE (e.era, e.came_in) < (d.era, d.below)), p.reference::text, p.network::text
  FROM posted e JOIN ngome.payments p ON p.merchant = e.merchant AND p.world = e.world AND p.id = e.payment
  ORDER BY e.era, e.came_in, e.payment, e.kind LIMIT least(at_most, 10000);
END $$;
GRANT EXECUTE ON FUNCTION ngome.tenant_entries TO ngome_gateway, ngome_operator;
