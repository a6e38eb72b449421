-- What networks report about what they moved, held against what we know (ADR 40). A report ends no payment: it makes the dispatcher ask.

-- A file that a network gave, or somebody in its name: evidence, and never a reason to move money by itself.
CREATE TABLE ngome.network_reports (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  network text COLLATE "C" NOT NULL CHECK (network ~ '^[a-z][a-z0-9-]{1,31}$'),
  network_world text COLLATE "C" NOT NULL CHECK (network_world IN ('test', 'live')),
  form text COLLATE "C" NOT NULL CHECK (form IN ('csv', 'camt.053')),
  currency text COLLATE "C" NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  -- SHA-256 of the file: the same one is known again.
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  -- Of its rows in their order, which what is staged is held against.
  rows_digest bytea NOT NULL CHECK (octet_length(rows_digest) = 32),
  movements bigint NOT NULL CHECK (movements >= 0),
  skipped bigint NOT NULL CHECK (skipped >= 0),
  -- The time that it covers: within it a payment that is not in it is missing.
  from_at timestamptz NOT NULL,
  to_at timestamptz NOT NULL CHECK (to_at >= from_at),
  began_by text NOT NULL CHECK (length(began_by) BETWEEN 1 AND 100),
  began_at timestamptz NOT NULL,
  CONSTRAINT network_reports_digest UNIQUE (network, network_world, digest)
);
CALL ngome.classify('ngome.network_reports', 'internal', '{id,network,network_world,form,currency,digest,rows_digest,movements,skipped,from_at,to_at,began_by,began_at}');

-- Its movements as they stand in it, none of which counts before all are here.
CREATE TABLE ngome.network_report_rows (
  report bigint NOT NULL REFERENCES ngome.network_reports (id),
  number bigint NOT NULL CHECK (number > 0),
  line bigint NOT NULL CHECK (line > 0),
  -- SHA-256 of what the movement is, so that another file that has it too is known to.
  identity bytea NOT NULL CHECK (octet_length(identity) = 32),
  occurred_at timestamptz NOT NULL,
  direction text COLLATE "C" NOT NULL CHECK (direction IN ('collection', 'payout', 'refund', 'outgoing')),
  status text COLLATE "C" NOT NULL CHECK (status IN ('succeeded', 'failed', 'pending', 'reversed')),
  amount_minor bigint NOT NULL CHECK (amount_minor > 0),
  reference uuid,
  payment_named text COLLATE "C" CHECK (payment_named ~ '^(pay|pyt|rfd)_[0-7][0-9a-z]{25}$'),
  network_reference text COLLATE "C" NOT NULL CHECK (network_reference ~ '^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$'),
  PRIMARY KEY (report, number)
);
CREATE INDEX network_report_rows_identity ON ngome.network_report_rows (report, identity, number);
CALL ngome.classify('ngome.network_report_rows', 'internal',
  '{report,number,line,identity,occurred_at,direction,status,amount_minor,reference,payment_named,network_reference}');

-- A report that is here whole.
CREATE TABLE ngome.network_report_ends (
  report bigint PRIMARY KEY REFERENCES ngome.network_reports (id),
  ended_at timestamptz NOT NULL
);
CALL ngome.classify('ngome.network_report_ends', 'internal', '{report,ended_at}');

-- What a network says that it moved, each once, in however many files it stands. A row that stands twice in one file is two.
CREATE TABLE ngome.network_movements (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  network text COLLATE "C" NOT NULL,
  network_world text COLLATE "C" NOT NULL CHECK (network_world IN ('test', 'live')),
  identity bytea NOT NULL,
  occurrence integer NOT NULL CHECK (occurrence BETWEEN 1 AND 1000),
  report bigint NOT NULL,
  number bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  direction text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  amount_minor bigint NOT NULL,
  reference uuid,
  payment_named text COLLATE "C",
  network_reference text COLLATE "C" NOT NULL,
  -- What matching found, which only it writes; all else never changes. `open`: not ended there; `superseded`: a later row says more;
  -- `nothing`: nothing moved, and none of ours is meant.
  verdict text COLLATE "C" CHECK (verdict IN ('matched', 'open', 'superseded', 'nothing', 'amount_differs', 'day_differs', 'state_differs',
    'missing_at_us', 'duplicate_at_network')),
  merchant text COLLATE "C",
  world text COLLATE "C",
  payment text COLLATE "C",
  judged_at timestamptz,
  CONSTRAINT network_movements_once UNIQUE (network, network_world, identity, occurrence),
  FOREIGN KEY (report, number) REFERENCES ngome.network_report_rows (report, number),
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id),
  CHECK (num_nonnulls(merchant, world, payment) IN (0, 3) AND (world IS NULL OR world = network_world))
);
CREATE INDEX network_movements_reference ON ngome.network_movements (network, network_world, network_reference);
CREATE INDEX network_movements_our_reference ON ngome.network_movements (reference) WHERE reference IS NOT NULL;
CREATE INDEX network_movements_payment ON ngome.network_movements (merchant, world, payment) WHERE payment IS NOT NULL;
CREATE INDEX network_movements_unsettled ON ngome.network_movements (network, network_world, position)
  WHERE verdict IS NULL OR verdict NOT IN ('matched', 'superseded', 'nothing');
CALL ngome.classify('ngome.network_movements', 'internal', '{position,network,network_world,identity,occurrence,report,number,occurred_at,direction,
  status,amount_minor,reference,payment_named,network_reference,verdict,merchant,world,payment,judged_at}');
ALTER TABLE ngome.network_movements ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- What a network and we say differently. Immutable: what becomes of it is its trail.
CREATE TABLE ngome.reconciliation_differences (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  network text COLLATE "C" NOT NULL,
  network_world text COLLATE "C" NOT NULL CHECK (network_world IN ('test', 'live')),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('amount_differs', 'day_differs', 'state_differs', 'missing_at_us', 'duplicate_at_network',
    'missing_at_network')),
  -- What is at the network, and whose it is at us: one of them at least.
  movement bigint REFERENCES ngome.network_movements (position),
  merchant text COLLATE "C",
  world text COLLATE "C",
  payment text COLLATE "C",
  -- By how much more the network owes us than our books have; less than nothing: by how much less.
  delta_minor bigint NOT NULL,
  currency text COLLATE "C" NOT NULL,
  found_at timestamptz NOT NULL,
  FOREIGN KEY (merchant, world, payment) REFERENCES ngome.payments (merchant, world, id),
  CHECK (num_nonnulls(merchant, world, payment) IN (0, 3) AND num_nonnulls(movement, payment) > 0),
  CHECK ((kind = 'missing_at_network') = (movement IS NULL))
);
CREATE UNIQUE INDEX reconciliation_differences_movement ON ngome.reconciliation_differences (movement, kind, delta_minor) WHERE movement IS NOT NULL;
CREATE UNIQUE INDEX reconciliation_differences_payment ON ngome.reconciliation_differences (merchant, world, payment) WHERE movement IS NULL;
CREATE INDEX reconciliation_differences_network ON ngome.reconciliation_differences (network, network_world, number);
CALL ngome.classify('ngome.reconciliation_differences', 'internal',
  '{number,network,network_world,kind,movement,merchant,world,payment,delta_minor,currency,found_at}');
ALTER TABLE ngome.reconciliation_differences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The trail of a difference. `agreed`: both say the same now; `superseded`: what differs is another thing now.
CREATE TABLE ngome.reconciliation_steps (
  difference bigint NOT NULL REFERENCES ngome.reconciliation_differences (number),
  step integer NOT NULL CHECK (step BETWEEN 1 AND 1000),
  what text COLLATE "C" NOT NULL CHECK (what IN ('found', 'asked', 'explained', 'suspended', 'resolved', 'agreed', 'superseded')),
  is_end boolean NOT NULL GENERATED ALWAYS AS (what IN ('suspended', 'resolved', 'agreed', 'superseded')) STORED,
  by_whom text NOT NULL CHECK (length(by_whom) BETWEEN 1 AND 100),
  note text CHECK (length(note) BETWEEN 1 AND 500),
  -- The document that moved the money into suspense.
  adjustment text COLLATE "C" REFERENCES ngome.adjustments (id) CHECK ((adjustment IS NOT NULL) = (what = 'suspended')),
  at timestamptz NOT NULL,
  PRIMARY KEY (difference, step),
  CHECK (note IS NOT NULL OR what IN ('found', 'asked', 'agreed', 'superseded'))
);
-- Ended once.
CREATE UNIQUE INDEX reconciliation_steps_end ON ngome.reconciliation_steps (difference) WHERE is_end;
CALL ngome.classify('ngome.reconciliation_steps', 'internal', '{difference,step,what,is_end,by_whom,note,adjustment,at}');

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['network_reports', 'network_report_rows', 'network_report_ends', 'network_movements', 'reconciliation_differences',
    'reconciliation_steps'] LOOP
    EXECUTE format('CREATE TRIGGER keep BEFORE DELETE OR TRUNCATE ON ngome.%I FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_removal()', name);
    IF name <> 'network_movements' THEN
      EXECUTE format('CREATE TRIGGER stay BEFORE UPDATE ON ngome.%I FOR EACH STATEMENT EXECUTE FUNCTION ngome.refuse_change()', name);
    END IF;
    EXECUTE format('GRANT SELECT ON ngome.%I TO ngome_auditor, ngome_operator', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['network_movements', 'reconciliation_differences'] LOOP
    EXECUTE format('CREATE POLICY matching ON ngome.%I TO ngome_migrator USING (true) WITH CHECK (true)', name);
    EXECUTE format('CREATE POLICY operator_reads ON ngome.%I FOR SELECT TO ngome_operator USING (true)', name);
    EXECUTE format('CREATE POLICY auditor_reads ON ngome.%I FOR SELECT TO ngome_auditor USING (true)', name);
  END LOOP;
END $$;
-- The operator brings files, and nothing else: what is found in them, and what becomes of it, the functions below write.
GRANT INSERT (network, network_world, form, currency, digest, rows_digest, movements, skipped, from_at, to_at, began_by, began_at) ON ngome.network_reports TO ngome_operator;
GRANT INSERT ON ngome.network_report_rows TO ngome_operator;

-- Nothing is added to a report that is whole.
CREATE FUNCTION ngome.guard_report_rows() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM added a JOIN ngome.network_report_ends e ON e.report = a.report) THEN
    RAISE EXCEPTION 'this report is whole' USING ERRCODE = 'NG002';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER guard AFTER INSERT ON ngome.network_report_rows REFERENCING NEW TABLE AS added FOR EACH STATEMENT
  EXECUTE FUNCTION ngome.guard_report_rows();

CREATE FUNCTION ngome.guard_movement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.position, NEW.network, NEW.network_world, NEW.identity, NEW.occurrence, NEW.report, NEW.number, NEW.occurred_at, NEW.direction, NEW.status,
      NEW.amount_minor, NEW.reference, NEW.payment_named, NEW.network_reference)
    IS DISTINCT FROM (OLD.position, OLD.network, OLD.network_world, OLD.identity, OLD.occurrence, OLD.report, OLD.number, OLD.occurred_at, OLD.direction,
      OLD.status, OLD.amount_minor, OLD.reference, OLD.payment_named, OLD.network_reference) THEN
    RAISE EXCEPTION 'what a network said does not change' USING ERRCODE = 'NG002';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard BEFORE UPDATE ON ngome.network_movements FOR EACH ROW EXECUTE FUNCTION ngome.guard_movement();

-- By what networks and we know a movement: its reference is unique as it is.
CREATE INDEX attempts_payment ON ngome.attempts (payment);
CREATE INDEX attempts_network_reference ON ngome.attempts (network_reference) WHERE network_reference IS NOT NULL;
CREATE POLICY matching_reads ON ngome.attempts FOR SELECT TO ngome_migrator USING (true);

-- Whether all rows of a report are here, as they were when it began.
CREATE FUNCTION ngome.is_report_whole(of_report bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM ngome.network_reports r WHERE r.id = of_report AND (r.movements, r.rows_digest) = (
    SELECT count(*), sha256(coalesce(string_agg(w.identity || int8send((extract(epoch FROM w.occurred_at) * 1000)::bigint), ''::bytea ORDER BY w.number), ''))
    FROM ngome.network_report_rows w WHERE w.report = of_report))
$$;

-- Takes on the next rows of a report, none of them twice: again after a crash, and beside another file that has them too.
CREATE FUNCTION ngome.adopt_report_rows(of_report bigint, after_number bigint, at_most integer, OUT last_number bigint, OUT added bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF after_number = 0 AND NOT ngome.is_report_whole(of_report) OR after_number > 0 AND NOT EXISTS (
      SELECT FROM ngome.network_movements m WHERE m.network = (SELECT r.network FROM ngome.network_reports r WHERE r.id = of_report) AND m.network_world =
        (SELECT r.network_world FROM ngome.network_reports r WHERE r.id = of_report)
        AND m.identity = (SELECT w.identity FROM ngome.network_report_rows w WHERE w.report = of_report AND w.number = after_number)) THEN
    RAISE EXCEPTION 'this report is not whole' USING ERRCODE = 'NG045';
  END IF;
  SELECT max(w.number) INTO last_number FROM ngome.network_report_rows w
    WHERE w.report = of_report AND w.number > after_number AND w.number <= after_number + least(at_most, 10000);
  WITH taken AS (
    INSERT INTO ngome.network_movements (network, network_world, identity, occurrence, report, number, occurred_at, direction, status, amount_minor,
      reference, payment_named, network_reference)
    SELECT r.network, r.network_world, w.identity, 1 + (SELECT count(*) FROM (
          SELECT FROM ngome.network_report_rows e WHERE e.report = w.report AND e.identity = w.identity AND e.number < w.number LIMIT 999) earlier),
      w.report, w.number, w.occurred_at, w.direction, w.status, w.amount_minor, w.reference, w.payment_named, w.network_reference
    FROM ngome.network_report_rows w JOIN ngome.network_reports r ON r.id = w.report
    WHERE w.report = of_report AND w.number > after_number AND w.number <= last_number ORDER BY w.number
    ON CONFLICT DO NOTHING RETURNING 1
  ) SELECT count(*) INTO added FROM taken;
END $$;

-- From here on the report counts, and what it covers is covered.
CREATE FUNCTION ngome.end_network_report(of_report bigint, of_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT ngome.is_report_whole(of_report) THEN
    RAISE EXCEPTION 'this report is not whole' USING ERRCODE = 'NG045';
  END IF;
  INSERT INTO ngome.network_report_ends (report, ended_at) VALUES (of_report, of_at);
END $$;
GRANT EXECUTE ON FUNCTION ngome.adopt_report_rows, ngome.end_network_report TO ngome_operator;

CREATE FUNCTION ngome.add_difference_step(of_difference bigint, of_what text, of_whom text, of_note text, of_adjustment text, of_at timestamptz)
RETURNS void LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO ngome.reconciliation_steps (difference, step, what, by_whom, note, adjustment, at)
  SELECT of_difference, coalesce(max(s.step), 0) + 1, of_what, of_whom, of_note, of_adjustment, of_at
  FROM ngome.reconciliation_steps s WHERE s.difference = of_difference
$$;

-- Makes the dispatcher ask now; the job is as packages/store/jobs writes it, which a test compares.
CREATE FUNCTION ngome.enqueue_enquiry(of_merchant text, of_world text, of_payment text) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO pgboss.job (name, data, start_after, keep_until, retry_limit, retry_delay, retry_backoff, retry_delay_max, expire_seconds,
    deletion_seconds, policy)
  VALUES ('payment-enquire', jsonb_build_object('merchant', of_merchant, 'world', of_world, 'payment', of_payment),
    now(), now() + interval '60 days', 1000000, 1, true, 15, 300, 3600, 'standard')
$$;

CREATE FUNCTION ngome.open_difference(
  of_kind text, of_movement bigint, of_network text, of_network_world text, of_merchant text, of_world text, of_payment text, of_delta bigint,
  of_currency text, asks boolean, of_at timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  opened bigint;
BEGIN
  INSERT INTO ngome.reconciliation_differences (network, network_world, kind, movement, merchant, world, payment, delta_minor, currency, found_at)
    VALUES (of_network, of_network_world, of_kind, of_movement, of_merchant, of_world, of_payment, of_delta, of_currency, of_at)
    ON CONFLICT DO NOTHING RETURNING number INTO opened;
  IF opened IS NULL THEN
    RETURN false;
  END IF;
  PERFORM ngome.add_difference_step(opened, 'found', 'matching', NULL, NULL, of_at);
  IF asks THEN
    PERFORM ngome.enqueue_enquiry(of_merchant, of_world, of_payment);
    PERFORM ngome.add_difference_step(opened, 'asked', 'matching', NULL, NULL, of_at);
  END IF;
  RETURN true;
END $$;

-- A payment as matching looks at it: when it was sent, and when its end was known or it last changed.
CREATE TYPE ngome.matched_payment AS (
  merchant text, world text, id text, direction text, status text, amount_minor bigint, currency text, network_reference text, from_at timestamptz,
  to_at timestamptz
);

-- Whose payment of this network a movement is: by our reference, by the payment that it names, by the network's own; of a refund that
-- a network knows by its collection alone, that collection's.
CREATE FUNCTION ngome.payment_of_movement(m ngome.network_movements) RETURNS ngome.matched_payment
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found ngome.matched_payment;
BEGIN
  SELECT p.merchant, p.world, p.id, p.direction, p.status, p.amount_minor, p.currency, a.network_reference, coalesce(a.sent_at, p.created_at),
      coalesce(a.known_at, p.updated_at) INTO found
    FROM ngome.attempts a JOIN ngome.payments p ON p.merchant = a.merchant AND p.world = a.world AND p.id = a.payment
    WHERE (a.reference = m.reference OR a.payment = m.payment_named OR a.network_reference = m.network_reference)
      AND p.network = m.network AND p.world = m.network_world
      AND (p.direction = m.direction OR m.direction = 'outgoing' AND p.direction <> 'collection')
    ORDER BY coalesce(a.reference = m.reference, false) DESC, coalesce(a.payment = m.payment_named, false) DESC, p.amount_minor = m.amount_minor DESC,
      p.id LIMIT 1;
  IF found.id IS NOT NULL OR m.direction <> 'refund' THEN
    RETURN found;
  END IF;
  -- The refund of that collection which has not failed; without one, the collection itself, which the network took back.
  SELECT p.merchant, p.world, p.id, p.direction, p.status, p.amount_minor, p.currency, a.network_reference, coalesce(a.sent_at, p.created_at),
      coalesce(a.known_at, p.updated_at) INTO found
    FROM ngome.attempts o JOIN ngome.payments c ON c.merchant = o.merchant AND c.world = o.world AND c.id = o.payment
      JOIN ngome.payments p ON p.merchant = c.merchant AND p.world = c.world AND (p.original = c.id OR p.id = c.id)
      LEFT JOIN ngome.attempts a ON a.merchant = p.merchant AND a.world = p.world AND a.payment = p.id
    WHERE o.network_reference = m.network_reference AND c.network = m.network AND c.world = m.network_world AND c.direction = 'collection'
      AND (p.id = c.id OR a.sent_at IS NOT NULL)
    ORDER BY p.id <> c.id AND p.status NOT IN ('failed', 'cancelled') DESC, p.id <> c.id DESC, p.amount_minor = m.amount_minor DESC, p.id LIMIT 1;
  RETURN found;
END $$;

-- Whether another movement of the network is this payment's already, or has the network's own reference that we know.
CREATE FUNCTION ngome.is_second_movement(m ngome.network_movements, p ngome.matched_payment) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM ngome.network_movements o
    WHERE (o.reference = m.reference OR (o.merchant = p.merchant AND o.world = p.world AND o.payment = p.id))
      AND o.network = m.network AND o.network_world = m.network_world AND o.direction = m.direction AND o.status = 'succeeded' AND o.position <> m.position
      AND (o.verdict IN ('matched', 'amount_differs', 'day_differs', 'state_differs')
        OR (o.network_reference = p.network_reference AND m.network_reference <> p.network_reference)))
$$;

-- What a movement and its payment say of one another; `delta`: by how much more the network owes us by it than our books have.
CREATE FUNCTION ngome.judge_movement(m ngome.network_movements, p ngome.matched_payment, OUT verdict text, OUT delta bigint, OUT asks boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  way integer := CASE m.direction WHEN 'collection' THEN 1 ELSE -1 END;
  strength text[] := ARRAY['pending', 'failed', 'succeeded', 'reversed'];
  is_open boolean := p.status IN ('awaiting_approval', 'accepted', 'processing', 'in_doubt');
BEGIN
  delta := 0;
  asks := false;
  IF EXISTS (SELECT FROM ngome.network_movements o WHERE o.network = m.network AND o.network_world = m.network_world
      AND o.network_reference = m.network_reference AND o.direction = m.direction
      AND array_position(strength, o.status) > array_position(strength, m.status)) THEN
    verdict := 'superseded';
  ELSIF p.id IS NULL THEN
    verdict := CASE WHEN m.status IN ('succeeded', 'reversed') THEN 'missing_at_us' ELSE 'nothing' END;
    -- Of what was taken back and is not ours it is not known whether it came: nobody books it by itself.
    delta := CASE m.status WHEN 'succeeded' THEN way * m.amount_minor ELSE 0 END;
  ELSIF p.direction = 'collection' AND m.direction = 'refund' THEN
    -- The network took a collection back, which no refund of ours ordered.
    verdict := CASE WHEN m.status <> 'succeeded' THEN 'nothing'
      WHEN p.status = 'reversed' AND p.amount_minor = m.amount_minor THEN 'matched' ELSE 'state_differs' END;
    delta := CASE WHEN verdict = 'state_differs' AND p.status <> 'reversed' THEN -m.amount_minor ELSE 0 END;
  ELSIF m.status = 'pending' THEN
    verdict := CASE p.status WHEN 'succeeded' THEN 'state_differs' ELSE 'open' END;
  ELSIF m.status = 'failed' THEN
    verdict := CASE WHEN p.status IN ('failed', 'cancelled') OR EXISTS (SELECT FROM ngome.network_movements o WHERE o.reference = m.reference
        AND o.network = m.network AND o.network_world = m.network_world AND o.direction = m.direction AND o.status = 'succeeded')
      THEN 'matched' ELSE 'state_differs' END;
    delta := CASE WHEN verdict = 'state_differs' AND p.status = 'succeeded' THEN -way * p.amount_minor ELSE 0 END;
  ELSIF m.status = 'reversed' THEN
    verdict := CASE WHEN p.status IN ('reversed', 'failed', 'cancelled') THEN 'matched' ELSE 'state_differs' END;
    delta := CASE p.status WHEN 'succeeded' THEN -way * p.amount_minor ELSE 0 END;
  ELSIF ngome.is_second_movement(m, p) THEN
    verdict := 'duplicate_at_network';
    delta := way * m.amount_minor;
  ELSIF p.status NOT IN ('succeeded', 'reversed') THEN
    verdict := 'state_differs';
    delta := CASE WHEN is_open THEN 0 ELSE way * m.amount_minor END;
  ELSIF p.amount_minor <> m.amount_minor THEN
    verdict := 'amount_differs';
    delta := CASE p.status WHEN 'succeeded' THEN way * (m.amount_minor - p.amount_minor) ELSE 0 END;
  ELSE
    verdict := CASE WHEN m.occurred_at BETWEEN p.from_at - interval '1 day' AND p.to_at + interval '1 day' THEN 'matched' ELSE 'day_differs' END;
  END IF;
  asks := is_open AND verdict = 'state_differs';
END $$;

-- Ends the differences of a movement that are not what it is found to be now, and those of its payment that said that it was not there.
CREATE FUNCTION ngome.end_differences(of_movement bigint, p ngome.matched_payment, verdict text, delta bigint, is_there boolean, of_at timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended bigint;
BEGIN
  FOR ended IN
    SELECT d.number FROM ngome.reconciliation_differences d
    WHERE (d.movement = of_movement AND (d.kind, d.delta_minor) IS DISTINCT FROM (verdict, delta)
        OR is_there AND d.movement IS NULL AND d.merchant = p.merchant AND d.world = p.world AND d.payment = p.id)
      AND NOT EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.difference = d.number AND s.is_end)
    ORDER BY d.number
  LOOP
    PERFORM ngome.add_difference_step(ended, CASE WHEN verdict = 'matched' THEN 'agreed' ELSE 'superseded' END, 'matching', NULL, NULL, of_at);
  END LOOP;
END $$;

-- Judges the next movements of a network that are not settled, in the order in which they came: as often as one likes, with the same
-- end, and from wherever it stopped. One at a time for each network.
CREATE FUNCTION ngome.match_movements(of_network text, of_world text, after_position bigint, at_most integer, of_at timestamptz,
  OUT last_position bigint, OUT judged bigint, OUT opened bigint, OUT asked bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  m ngome.network_movements;
  p ngome.matched_payment;
  found record;
BEGIN
  judged := 0;
  opened := 0;
  asked := 0;
  PERFORM pg_advisory_xact_lock(hashtext('ngome.match ' || of_network || ' ' || of_world));
  FOR m IN
    SELECT n.* FROM ngome.network_movements n WHERE n.network = of_network AND n.network_world = of_world AND n.position > after_position
      AND (n.verdict IS NULL OR n.verdict NOT IN ('matched', 'superseded', 'nothing'))
      -- What of a file is here before all of it does not count.
      AND EXISTS (SELECT FROM ngome.network_report_ends e WHERE e.report = n.report)
    ORDER BY n.position LIMIT least(at_most, 10000)
  LOOP
    last_position := m.position;
    judged := judged + 1;
    p := ngome.payment_of_movement(m);
    SELECT * INTO found FROM ngome.judge_movement(m, p);
    UPDATE ngome.network_movements n SET verdict = found.verdict, merchant = p.merchant, world = p.world, payment = p.id, judged_at = of_at
      WHERE n.position = m.position AND (n.verdict, n.payment) IS DISTINCT FROM (found.verdict, p.id);
    IF m.verdict IS NOT NULL OR p.status = 'succeeded' THEN
      PERFORM ngome.end_differences(m.position, p, found.verdict, found.delta, m.status IN ('succeeded', 'reversed') AND p.id IS NOT NULL, of_at);
    END IF;
    IF found.verdict NOT IN ('matched', 'open', 'superseded', 'nothing') AND ngome.open_difference(found.verdict, m.position, of_network, of_world,
        p.merchant, p.world, p.id, found.delta, (SELECT r.currency FROM ngome.network_reports r WHERE r.id = m.report), found.asks, of_at) THEN
      opened := opened + 1;
      asked := asked + found.asks::integer;
    END IF;
  END LOOP;
END $$;

-- Who has payments by a network.
CREATE FUNCTION ngome.merchants_of_network(of_network text, of_world text) RETURNS TABLE (merchant text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT a.merchant FROM ngome.accounts a WHERE a.kind = 'provider_clearing' AND a.network = of_network AND a.world = of_world ORDER BY 1
$$;

-- Looks at the next payments of a merchant, of one kind of id: one that succeeded by us, in a time that reports cover from ten minutes
-- before it was sent to ten minutes after its end was known, and that no report has, is missing there.
CREATE FUNCTION ngome.match_payments(of_merchant text, of_world text, of_network text, after_id text, to_id text, at_most integer, of_at timestamptz,
  OUT last_id text, OUT looked bigint, OUT opened bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  p record;
  covered tstzmultirange;
  slack interval := interval '10 minutes';
BEGIN
  looked := 0;
  opened := 0;
  PERFORM pg_advisory_xact_lock(hashtext('ngome.match ' || of_network || ' ' || of_world));
  SELECT coalesce(range_agg(tstzrange(r.from_at, r.to_at, '[]')), '{}') INTO covered
    FROM ngome.network_reports r JOIN ngome.network_report_ends e ON e.report = r.id WHERE r.network = of_network AND r.network_world = of_world;
  FOR p IN
    SELECT n.id, n.network, n.status, n.direction, n.amount_minor, n.currency, coalesce(a.sent_at, n.created_at) AS from_at,
      greatest(a.known_at, a.sent_at, n.created_at) AS to_at
    FROM ngome.payments n LEFT JOIN ngome.attempts a ON a.merchant = n.merchant AND a.world = n.world AND a.payment = n.id
    WHERE n.merchant = of_merchant AND n.world = of_world AND n.id > after_id AND n.id <= to_id
    ORDER BY n.id LIMIT least(at_most, 10000)
  LOOP
    last_id := p.id;
    looked := looked + 1;
    IF p.network = of_network AND p.status = 'succeeded' AND covered @> tstzrange(p.from_at - slack, p.to_at + slack, '[]')
      AND NOT EXISTS (SELECT FROM ngome.network_movements m WHERE m.merchant = of_merchant AND m.world = of_world AND m.payment = p.id)
      AND ngome.open_difference('missing_at_network', NULL, of_network, of_world, of_merchant, of_world, p.id,
        CASE p.direction WHEN 'collection' THEN -p.amount_minor ELSE p.amount_minor END, p.currency, false, of_at) THEN
      opened := opened + 1;
    END IF;
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION ngome.match_movements, ngome.merchants_of_network, ngome.match_payments TO ngome_operator;

-- What a person does about a difference. NG045: it is ended, or there is nothing to ask about. `suspended` comes with the adjustment that
-- moved its money, which must be of its amount, its network and its merchant's world.
CREATE FUNCTION ngome.take_difference_step(of_difference bigint, of_what text, of_whom text, of_note text, of_adjustment text, of_at timestamptz)
RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  d ngome.reconciliation_differences;
BEGIN
  IF of_whom = 'matching' OR of_what NOT IN ('explained', 'asked', 'resolved', 'suspended') THEN
    RAISE EXCEPTION 'that is not for a person to say' USING ERRCODE = 'NG045';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ngome.difference'), of_difference::integer);
  SELECT * INTO d FROM ngome.reconciliation_differences f WHERE f.number = of_difference;
  IF NOT FOUND OR EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.difference = of_difference AND s.is_end) THEN
    RAISE EXCEPTION 'there is no such difference, or it is ended' USING ERRCODE = 'NG045';
  END IF;
  IF of_what = 'asked' THEN
    IF NOT EXISTS (SELECT FROM ngome.payments p WHERE p.merchant = d.merchant AND p.world = d.world AND p.id = d.payment
        AND p.status IN ('processing', 'in_doubt')) THEN
      RAISE EXCEPTION 'there is nothing to ask about' USING ERRCODE = 'NG045';
    END IF;
    PERFORM ngome.enqueue_enquiry(d.merchant, d.world, d.payment);
  END IF;
  IF of_what = 'suspended' THEN
    IF NOT EXISTS (SELECT FROM ngome.adjustments a WHERE a.id = of_adjustment AND a.world = d.network_world
        AND a.network = d.network AND a.currency = d.currency AND a.amount_minor = abs(d.delta_minor) AND (d.merchant IS NULL OR a.merchant = d.merchant)
        AND a.kind = CASE WHEN d.delta_minor > 0 THEN 'suspense_in' ELSE 'suspense_out' END
        AND NOT EXISTS (SELECT FROM ngome.reconciliation_steps s WHERE s.adjustment = of_adjustment)) THEN
      RAISE EXCEPTION 'this adjustment is not of this difference' USING ERRCODE = 'NG045';
    END IF;
  END IF;
  PERFORM ngome.add_difference_step(of_difference, of_what, of_whom, of_note, of_adjustment, of_at);
END $$;
GRANT EXECUTE ON FUNCTION ngome.take_difference_step TO ngome_operator;

-- Takes out of the tenant's suspense no more than waits there, whichever way: what the network owes more, or less, than our books had.
CREATE FUNCTION ngome.release_suspense(new_id text, of_kind text, of_network text, of_currency text, of_amount bigint, why text, by_whom text,
  of_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held bigint;
  held_in text := ngome.account_id(current_setting('ngome.merchant', true), current_setting('ngome.world', true), 'suspense', of_network, of_currency);
BEGIN
  PERFORM FROM ngome.account_sums s WHERE s.account = held_in FOR UPDATE;
  SELECT t.posted_in - t.posted_out INTO held FROM ngome.account_totals(held_in) t;
  IF coalesce(CASE WHEN of_kind IN ('suspense_in', 'suspense_from_merchant', 'suspense_from_fees', 'suspense_from_debt') THEN -held ELSE held END, 0) < of_amount THEN
    RAISE EXCEPTION 'less waits in suspense than this takes' USING ERRCODE = 'NG007';
  END IF;
  PERFORM ngome.make_adjustment(new_id, of_kind, of_network, of_currency, of_amount, why, by_whom, of_at);
END $$;
GRANT EXECUTE ON FUNCTION ngome.release_suspense TO ngome_operator;
